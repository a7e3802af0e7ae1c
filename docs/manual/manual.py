#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Man pages of what Doxygen found in the headers: one for each function, type and macro, and asyncdb(7) for all of them.
#
# manual.py XML FOLDER VERSION INCLUDE EXAMPLE…
import os
import re
import sys
import textwrap
import time
import xml.etree.ElementTree as ElementTree

ORDER = "database context job copy session listen queue result value url error version".split()  # of the themes
SHORT_EXAMPLE = 20  # lines
FACTS = "Which thread|How often|Locks|May call|Lifetime"
BLOCKS = "verbatim preformatted programlisting itemizedlist orderedlist table simplesect parameterlist".split()


class Entry:
    """Something with a page of its own: a function, type or macro, or an enumeration without a name."""

    def __init__(self, node, kind, group=None):
        self.node, self.kind, self.group = node, kind, group
        self.header = node.find("location").get("file")
        self.name = node.findtext("name") or node.findtext("compoundname")
        self.names = [self.name]
        if self.name.startswith("@"):
            self.names = [value.findtext("name") for value in node.iter("enumvalue")]
            self.name = self.names[0]
        self.brief = flat(node.find("briefdescription")).rstrip(".")
        self.detail = node.find("detaileddescription")

    def text(self):
        return " ".join(flat(part) for part in self.node if part.tag.endswith("description"))

    def source(self, include):
        """Its lines in the header, without comments of documentation."""
        place = self.node.find("location")
        first, last = int(place.get("bodystart", place.get("line"))), int(place.get("bodyend", -1))
        with open(os.path.join(include, self.header), encoding="utf-8") as header:
            lines = header.read().split("\n")[first - 1:]
        if last < first:
            return re.match(r"[^;]*;", "\n".join(lines)).group()
        return re.sub(r" */\*\*<.*?\*/", "", "\n".join(lines[:last - first + 1]), flags=re.S)


class Manual:
    def __init__(self, folder, include):
        self.include, self.entries, self.themes, self.overview = include, {}, [], None
        for compound in ElementTree.parse(os.path.join(folder, "index.xml")).getroot():
            tree = ElementTree.parse(os.path.join(folder, compound.get("refid") + ".xml")).find("compounddef")
            if compound.get("kind") == "page":
                self.overview = tree
            elif compound.get("kind") == "struct":
                self.add(Entry(tree, "struct"))
            elif compound.get("kind") == "file" and compound.findtext("name").endswith(".h"):
                self.read_header(tree)
        names = ["asyncdb/%s.h" % name for name in ORDER]
        self.themes.sort(key=lambda theme: names.index(theme[0]) if theme[0] in names else len(names))
        self.statuses = {value.findtext("name"): flat(value.find("briefdescription"))
                         for value in self.entries["adb_status"].node.iter("enumvalue")}

    def add(self, entry):
        """A struct goes before the name that a typedef gives it."""
        if entry.kind == "struct" or entry.name not in self.entries:
            self.entries[entry.name] = entry
        return self.entries[entry.name]

    def read_header(self, tree):
        header = tree.find("location").get("file")
        for section in tree.findall("sectiondef"):
            members = [Entry(node, node.get("kind"), section) for node in section.findall("memberdef")]
            members = [self.add(entry) for entry in members if entry.brief]
            functions = [entry for entry in members if entry.kind == "function"]
            title = section.findtext("header") or re.split(r" ?[:;,.(]", flat(tree.find("briefdescription")))[0]
            if functions:
                self.themes.append((header, title, functions))

    def find(self, word):
        """The entry on whose page a word is explained: a macro stands beside what bears its name in lower case."""
        for name in (word.lower(), word):
            if name in self.entries:
                return self.entries[name]
        return next((entry for entry in self.entries.values() if word in entry.names), None)

    def pages(self):
        return [entry for entry in self.entries.values() if self.find(entry.name) is entry]


def flat(element):
    return "" if element is None else " ".join("".join(element.itertext()).split())


# Text ---------------------------------------------------------------------------------------------------------------


def escape(text, code=False):
    text = text.replace("\\", "\\e").replace("_…", "_*").replace("…", "...")
    if code:
        for plain, roff in (("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")):
            text = text.replace(plain, roff)
    return "".join(c if ord(c) < 128 else "\\[u%04X]" % ord(c) for c in text)


def bold(text):
    return "\\fB" + escape(text, code=True) + "\\fP"


def italic(text):
    return "\\fI" + escape(text, code=True) + "\\fP"


def prose(text):
    """Plain text, with what the library defines in bold."""
    parts = re.split(r"(\x01.*?\x02)", text)
    for i, part in enumerate(parts):
        if part.startswith("\x01"):
            parts[i] = part[1:-1]
        else:
            words = re.split(r"((?:ADB_[A-Z_0-9]+[A-Z0-9]|adb_[a-z_0-9]*[a-z0-9](?:\.[a-z_]+[a-z])?)(?:\(\))?)", part)
            parts[i] = "".join(
                bold(word[:-2]) + "(3)" if re.match(r"adb_.*\(\)$", word) else bold(word) if n % 2 else escape(word)
                for n, word in enumerate(words))
    return "".join(parts)


def inline(element, params=()):
    """What stands in a paragraph. Code is marked, to be left alone by prose()."""
    text = element.text or ""
    for child in element:
        inner = "".join(child.itertext())
        if child.tag == "computeroutput":
            text += "\x01" + (italic(inner) if inner in params else bold(inner)) + "\x02"
        elif child.tag in ("bold", "emphasis"):
            text += "\x01" + (bold if child.tag == "bold" else italic)(inner) + "\x02"
        elif child.tag == "ulink" and inner != child.get("url"):
            text += inner + " <" + child.get("url") + ">"
        elif child.tag in ("ndash", "mdash"):
            text += "-"
        else:
            text += inline(child, params)
        text += child.tail or ""
    return text


def lines_of(text):
    """Roff lines of a paragraph: a sentence begins a line, and none is long."""
    lines = []
    for sentence in re.split(r"(?<=[.:!?]) +(?=[A-Z\\(])", " ".join(text.split())):
        for line in textwrap.wrap(sentence, 76, break_long_words=False, break_on_hyphens=False):
            lines.append("\\&" + line if line[0] in ".'" else line)
    return lines


def code_block(text):
    lines = [escape(line, code=True) for line in textwrap.dedent(text).strip("\n").split("\n")]
    lines = ["\\&" + line if line[:1] in (".", "'") else line for line in lines]
    return [".PP", ".RS 4", ".nf"] + lines + [".fi", ".RE"]


def listing(element):
    """The lines of a piece of code as Doxygen marks it up."""
    for space in element.iter("sp"):
        space.text = " "
    return "\n".join("".join(line.itertext()) for line in element.iter("codeline"))


def blocks(element, params=()):
    """Roff lines of paragraphs, lists, tables and code; not of what is marked as the value returned and the like."""
    out = []
    for para in element.findall("para"):
        for piece in pieces(para):
            if piece.tag == "para":
                text = inline(piece, params)
                out += [".PP"] + lines_of(prose(text)) if text.strip() else []
            elif piece.tag in ("verbatim", "preformatted"):
                out += code_block(piece.text)
            elif piece.tag == "programlisting":
                out += code_block(listing(piece))
            elif piece.tag in ("itemizedlist", "orderedlist"):
                for n, item in enumerate(piece.findall("listitem"), 1):
                    sign = "\\(bu 3" if piece.tag == "itemizedlist" else "%d. 3" % n
                    out += [".IP " + sign] + blocks(item, params)[1:]
            elif piece.tag == "table":
                for row in piece.findall("row")[1:]:
                    head, *rest = [prose(inline(entry.find("para"), params)) for entry in row.findall("entry")]
                    out += [".TP", head] + lines_of("; ".join(cell for cell in rest if cell))
    return out


def pieces(para):
    """A paragraph as Doxygen gives it may have blocks in it: one after the other, as text and blocks."""
    text = ElementTree.Element("para")
    text.text = para.text
    for child in para:
        if child.tag not in BLOCKS:
            text.append(child)
            continue
        yield text
        yield child
        text = ElementTree.Element("para")
        text.text = child.tail
    yield text


def section(title, lines):
    if lines and lines[0] == ".PP":
        lines = lines[1:]
    return [".SH " + title.upper()] + lines if lines else []


# Pages --------------------------------------------------------------------------------------------------------------


class Page:
    def __init__(self, manual, entry, examples):
        self.manual, self.entry, self.examples = manual, entry, examples
        self.params = [p.text for p in entry.node.findall("param/declname")]
        self.group = entry.group.find("description") if entry.group is not None else None
        self.macro = manual.entries.get(entry.name.upper()) if entry.name.islower() else None

    def lines(self):
        entry = self.entry
        names = entry.names + ([self.macro.name] if self.macro else [])
        out = [".SH NAME", ", ".join(names) + " \\- " + escape(in_passing(entry.brief))]
        out += section("Synopsis", self.synopsis())
        out += section("Description", self.description())
        out += section("Parameters", self.parameters())
        out += section("Return value", self.returned()) if entry.kind == "function" else []
        out += section("Errors", self.errors()) if entry.kind == "function" else []
        for title in ("Ownership", "Blocking", "Threads"):
            out += section(title, self.fixed(title))
        out += section("Examples", self.example())
        out += section("History", self.since())
        return out + section("See also", self.see_also())

    def synopsis(self):
        header = self.entry.header if "/adapters/" in self.entry.header else "asyncdb.h"
        out = [".nf", bold("#include <%s>" % header)]
        for lines in self.declarations():
            out += [".PP"] + ["\\&" + line if line else "" for line in lines]
        return out + [".fi"]

    def declarations(self):
        if self.entry.kind == "function":
            yield self.prototype()
        elif self.entry.kind != "define":
            source = re.sub(r"^ADB_API ", "", self.entry.source(self.manual.include))
            yield [line and bold(line) for line in source.split("\n")]
        for macro in (self.entry if self.entry.kind == "define" else None, self.macro):
            if macro is not None:
                params = [p.findtext("defname") for p in macro.node.findall("param")]
                value = "(%s)" % ", ".join(params) if params else " " + flat(macro.node.find("initializer"))
                yield [bold("#define " + macro.name + value)]

    def prototype(self):
        """Aligned behind the bracket, and no line longer than eighty characters where that can be."""
        params = [declarator(flat(node.find("type")), node.findtext("declname"), node.findtext("array"))
                  for node in self.entry.node.findall("param")] or [("void", bold("void"))]
        kind = re.sub(r"^static inline ", "", flat(self.entry.node.find("type")))
        plain, line = declarator(kind, self.entry.name + "(")
        line = bold(plain)
        indent = len(plain) if len(plain) + max(len(plain) for plain, _ in params) < 77 else 8
        out, length = [], len(plain)
        for n, (plain, roff) in enumerate(params, 1):
            end = ");" if n == len(params) else ","
            if length + len(plain + end) > 78 and length > indent:
                out.append(line)
                line, length = " " * indent, indent
            line += roff + bold(end + " " * (n < len(params)))
            length += len(plain + end) + 1
        return out + [line]

    def description(self):
        out = [".PP"] + lines_of(prose(self.entry.brief) + ".") + blocks(self.entry.detail, self.params)
        text = "\n".join(out)
        text = re.sub(r"(?:^\.PP\n|\n| )(%s): " % FACTS, r"\n.TP\n.B \1:\n", text)  # each fact of a callback
        out = [line for line in text.strip("\n").split("\n")]
        if self.macro:
            out += [".PP"] + lines_of(prose(self.macro.brief) + ".") + blocks(self.macro.detail)
        out += self.values()
        if self.group is not None and self.group.find("para") is not None:
            out += [".SS " + flat(self.entry.group.find("header"))] + blocks(self.group)[1:]
        return out

    def values(self):
        """Fields of a struct, values of an enumeration."""
        out = []
        for value in self.entry.node.iter("enumvalue"):
            out += [".TP", bold(value.findtext("name"))] + self.meaning(value)
        for field in self.entry.node.findall(".//memberdef[@kind='variable']"):
            kind = re.sub(r" adb_\w+::@\d+", "", flat(field.find("type")))
            out += [".TP", declarator(kind, field.findtext("name"), field.findtext("argsstring"))[1]]
            out += self.meaning(field)
        return out

    @staticmethod
    def meaning(node):
        return sum((blocks(node.find(tag))[1:] for tag in ("briefdescription", "detaileddescription")), []) or ["\\&"]

    def parameters(self):
        out = []
        for item in self.entry.detail.iter("parameteritem"):
            name = item.findtext("parameternamelist/parametername")
            out += [".TP", italic(name)] + blocks(item.find("parameterdescription"), self.params)[1:]
        return out

    def sections(self, kind):
        return [part for part in self.entry.detail.iter("simplesect") if part.get("kind") == kind]

    def returned(self):
        if flat(self.entry.node.find("type")).split()[-1:] == ["void"]:
            return ["Nothing."]
        return sum((blocks(part, self.params) for part in self.sections("return")), [])

    def errors(self):
        text = self.entry.text() + " " + flat(self.group)
        returned = " ".join(flat(part) for part in self.sections("return"))
        out = []
        for code, meaning in self.manual.statuses.items():
            if code != "ADB_OK" and re.search(code + r"\b", text):
                out += [".TP", bold(code)] + lines_of(prose(meaning))
        if "errno" in returned:
            numbers = sorted(set(re.findall(r"\bE[A-Z]{3,}\b", returned)))
            out += lines_of("errno is " + ", ".join(map(bold, numbers)) + ".") if numbers else ["errno tells."]
        if self.manual.entries["adb_job"] in self.used() and "refused" in text:
            out += [".PP"] + lines_of(prose("An accepted job may end with any status; see adb_status()."))
        return out or ["See RETURN VALUE." if re.search("NULL (when|beyond)|-1", returned) else "None."]

    def fixed(self, title):
        for part in self.sections("par"):
            if part.findtext("title") == title:
                lines = blocks(part, self.params)[1:]
                lines[0] = lines[0][0].upper() + lines[0][1:]
                return lines
        return []

    def since(self):
        return ["Since asyncdb " + flat(part) + "." for part in self.sections("since")]

    def example(self):
        """The shortest function of the examples that uses it."""
        if self.entry.kind not in ("function", "define"):
            return []
        found = [(code.count("\n"), where, code) for where, code in self.examples
                 if re.search(r"\b%s\b" % self.entry.name, code)]
        lines, where, code = min(found, default=(SHORT_EXAMPLE, None, None))
        return ["From", bold("examples/" + where) + ":"] + code_block(code) if lines < SHORT_EXAMPLE else []

    def see_also(self):
        text = " ".join([self.entry.text(), flat(self.group), flat(self.macro.node if self.macro else None)])
        found = [self.manual.find(word) for word in re.findall(r"\b(?:adb_[a-z_0-9]+|ADB_[A-Z_]+)\b", text)]
        found += self.used()
        if self.entry.kind not in ("function", "define"):
            found += [function for _, _, functions in self.manual.themes for function in functions
                      if self.entry in Page(self.manual, function, ()).used()]
        names = [entry.name for entry in found + self.siblings() if entry not in (None, self.entry, self.macro)]
        return [bold(name) + "(3)," for name in dict.fromkeys(names)] + [bold("asyncdb") + "(7)"]

    def used(self):
        """The types of its parameters and of what it returns."""
        types = " ".join(flat(node) for node in self.entry.node.findall("param/type") + self.entry.node.findall("type"))
        return [self.manual.entries[name] for name in re.findall(r"\w+", types) if name in self.manual.entries]

    def siblings(self):
        """Functions that do much the same: adb_fetch_one() beside adb_fetch_all()."""
        family = self.entry.name.rpartition("_")[0]
        return [entry for entry in self.manual.pages()
                if entry.name.rpartition("_")[0] == family and family.lower() != "adb"]


def declarator(kind, name, array=None):
    """A type and a name as C writes them, plain and as roff."""
    kind = kind.replace("* *", "**") + ("" if kind.endswith("*") or not name else " ")
    name, array = name or "", array or ""
    return kind + name + array, bold(kind) + (italic(name) if name else "") + (bold(array) if array else "")


def in_passing(brief):
    """The first part of a sentence, to stand behind a name."""
    brief = re.split(r"[:;] ", brief)[0]
    return brief[0].lower() + brief[1:] if brief[1:2].islower() or brief[1:2] == " " else brief


def overview_lines(manual):
    out = [".SH NAME", "asyncdb \\- " + escape("asynchronous access to SQL databases")]
    for part in manual.overview.find("detaileddescription"):
        if part.tag == "sect1":
            title = flat(part.find("title"))
            out += section(title, functions_by_theme(manual) if title == "Functions" else blocks(part))
    return out


def functions_by_theme(manual):
    out = []
    for header, title, functions in manual.themes:
        out += [".SS " + escape(title), ".B <" + header + ">"]
        for entry in functions:
            out += [".TP", bold(entry.name) + "(3)"] + lines_of(prose(entry.brief) + ".")
    return out


def read_examples(paths):
    """Each function of the examples but main, with the comment above it, and where it is."""
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        comment = r"^(?:/\*(?:(?!\*/).)*\*/\n)?"
        for match in re.finditer(comment + r"static [^;{}=]*\([^;{}]*\)\n\{\n.*?^\}", text, re.S | re.M):
            found.append((os.path.basename(path), match.group()))
    return found


def write(folder, name, number, version, lines):
    stamp = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    head = [".\\\" Made of the comments in asyncdb's headers.",
            '.TH %s %d %s "asyncdb %s" "asyncdb"' % (name, number, time.strftime("%Y-%m-%d", stamp), version),
            ".ad l", ".nh"]
    text = "\n".join(line.rstrip() for line in head + lines)
    text = re.sub(r"^\.PP\n(?=\.(?:[ITP]P|S[HS]))", "", text, flags=re.M)  # a paragraph of nothing
    with open(os.path.join(folder, "%s.%d" % (name, number)), "w", encoding="ascii") as page:
        page.write(text + "\n")


def main(xml, folder, version, include, *examples):
    manual, codes = Manual(xml, include), read_examples(examples)
    os.makedirs(folder, exist_ok=True)
    for entry in manual.pages():
        write(folder, entry.name, 3, version, Page(manual, entry, codes).lines())
        for other in entry.names[1:]:
            with open(os.path.join(folder, other + ".3"), "w", encoding="ascii") as link:
                link.write(".so man3/%s.3\n" % entry.name)
    write(folder, "asyncdb", 7, version, overview_lines(manual))


main(*sys.argv[1:])
