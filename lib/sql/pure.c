/* SPDX-License-Identifier: BSD-3-Clause */
/* A pure statement begins with a word that reads, has no word that writes, locks or counts on, and no parenthesis
 * behind a name but those below: words that cannot name a function, and functions that do nothing but compute. */
#include "sql/pure.h"

/* Words that begin a pure statement. Behind WITH may stand an INSERT. */
static const char *const beginnings[] = {"SELECT", "TABLE", "VALUES", NULL};

/* Not anywhere, not even as names. NEXT VALUE FOR has one of them, as all clauses that lock. */
static const char *const refused[] = {"CURRVAL",
                                      "DELETE",
                                      "FOR",
                                      "INSERT",
                                      "INTO",
                                      "LASTVAL",
                                      "LOCK",
                                      "MERGE",
                                      "NEXTVAL",
                                      "SETVAL",
                                      "SQL_CALC_FOUND_ROWS",
                                      "UPDATE",
                                      NULL};

/* Reserved by all three: nobody has a function of that name. */
static const char *const keywords[] = {"ALL",  "AND",    "AS",    "BETWEEN", "CASE", "DISTINCT", "ELSE", "EXISTS",
                                       "FROM", "HAVING", "IN",    "LIMIT",   "NOT",  "ON",       "OR",   "SELECT",
                                       "THEN", "UNION",  "USING", "VALUES",  "WHEN", "WHERE",    NULL};

/* Reserved by PostgreSQL. */
static const char *const postgresql_keywords[] = {"ANY", "ARRAY", "LATERAL", "OFFSET", "ROW", "SOME", NULL};

/* Keywords only behind a closing parenthesis, where no function can be called. */
static const char *const window_keywords[] = {"FILTER", "OVER", NULL};

/* Built into all three, and types that take a size. With a blank before the parenthesis, MySQL calls somebody's own. */
static const char *const functions[] = {
    "ABS",        "AVG",          "CAST",         "CEIL",    "CHAR",       "COALESCE",  "CONCAT",
    "CONCAT_WS",  "COUNT",        "CUME_DIST",    "DECIMAL", "DENSE_RANK", "EXP",       "FIRST_VALUE",
    "FLOOR",      "LAG",          "LAST_VALUE",   "LEAD",    "LENGTH",     "LN",        "LOWER",
    "LTRIM",      "MAX",          "MIN",          "MOD",     "NTH_VALUE",  "NTILE",     "NULLIF",
    "NUMERIC",    "OCTET_LENGTH", "PERCENT_RANK", "POWER",   "RANK",       "REPLACE",   "ROUND",
    "ROW_NUMBER", "RTRIM",        "SIGN",         "SQRT",    "SUBSTR",     "SUBSTRING", "SUM",
    "TRIM",       "UPPER",        "VARCHAR",      NULL};

void adb__sql_purity_init(struct adb__sql_purity *purity, const struct adb__dialect *dialect)
{
    *purity =
        (struct adb__sql_purity){.dialect = dialect, .last.kind = ADB__TOKEN_END, .previous.kind = ADB__TOKEN_END};
}

/* Whether a parenthesis may stand behind a word. With a dot before it, it is somebody's function in a schema. */
static bool may_open(const struct adb__sql_purity *p, const char *sql, const struct adb__token *open)
{
    const struct adb__token *word = &p->last;
    if (p->previous.kind == ADB__TOKEN_OTHER && sql[p->previous.offset] == '.')
        return false;
    if (adb__token_is_any(sql, word, keywords))
        return true;
    if (p->dialect->placeholder == ADB__PLACEHOLDER_DOLLAR && adb__token_is_any(sql, word, postgresql_keywords))
        return true;
    if (p->previous.kind == ADB__TOKEN_CLOSE && adb__token_is_any(sql, word, window_keywords))
        return true;
    return word->offset + word->size == open->offset && adb__token_is_any(sql, word, functions);
}

/* A parenthesis behind a value or a quoted name calls something, or is no SQL at all. */
static bool open_is_refused(const struct adb__sql_purity *p, const char *sql, const struct adb__token *open)
{
    switch (p->last.kind) {
    case ADB__TOKEN_END:
    case ADB__TOKEN_OPEN:
    case ADB__TOKEN_COMMA:
        return false;
    case ADB__TOKEN_OTHER: /* an operator; [ and ] only in PostgreSQL, which calls nothing behind them */
        return sql[p->last.offset] == '.';
    case ADB__TOKEN_WORD:
        return !may_open(p, sql, open);
    default:
        return true;
    }
}

/* MySQL: a := b assigns, and a comment that is run may say anything. */
static bool mark_is_refused(const char *sql, const struct adb__token *mark, const struct adb__token *last)
{
    const bool assigns = sql[mark->offset] == '=' && sql[last->offset + last->size - 1] == ':';
    return assigns || (sql[mark->offset] == '/' && mark->size > 1);
}

void adb__sql_purity_feed(struct adb__sql_purity *purity, const char *sql, const struct adb__token *token)
{
    if (!purity->begun && token->kind != ADB__TOKEN_OPEN) {
        purity->begun = true;
        purity->refused = token->kind != ADB__TOKEN_WORD || !adb__token_is_any(sql, token, beginnings);
    } else if (token->kind == ADB__TOKEN_WORD) {
        purity->refused = purity->refused || adb__token_is_any(sql, token, refused);
    } else if (token->kind == ADB__TOKEN_OPEN) {
        purity->refused = purity->refused || open_is_refused(purity, sql, token);
    } else if (token->kind == ADB__TOKEN_OTHER) {
        purity->refused = purity->refused || mark_is_refused(sql, token, &purity->last);
    }
    purity->previous = purity->last;
    purity->last = *token;
}

bool adb__sql_purity_holds(const struct adb__sql_purity *purity)
{
    return purity->begun && !purity->refused;
}
