/* SPDX-License-Identifier: BSD-3-Clause */
/* Connecting to where no server is. What the library closes goes by a close() of this program, which takes care that
 * nobody closes what is not open: among threads that would be somebody else's. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "drivers/mysql/mysql_driver.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_uint n_closed, n_closed_in_vain;

__attribute__((visibility("default"))) int close(int fd)
{
    const int status = (int)syscall(SYS_close, fd);
    atomic_fetch_add(&n_closed, 1);
    if (status != 0 && fd >= 0 && errno == EBADF)
        atomic_fetch_add(&n_closed_in_vain, 1);
    return status;
}

static void check_refusal(const char *host, const char *path, unsigned port)
{
    const struct adb__mysql_settings settings = {.host = host, .port = port, .user = "nobody", .socket = path};
    const struct adb__patience patience = {.deadline = adb__deadline_in(adb__clock_now(), 10000), .wake_fd = -1};
    MYSQL *mysql = NULL;
    adb_error error = {.status = ADB_OK};
    atomic_store(&n_closed, 0);
    atomic_store(&n_closed_in_vain, 0);
    CU_ASSERT_EQUAL(adb__mysql_connect(&settings, &patience, &mysql, &error), ADB_E_CONNECTION);
    CU_ASSERT_PTR_NULL(mysql);
    CU_ASSERT_EQUAL(error.flags & (ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN), 0);
    CU_ASSERT(error.native_code == 2002 || error.native_code == 2003);
    CU_ASSERT_EQUAL(atomic_load(&n_closed_in_vain), 0);
}

/* As a server that was killed leaves it behind. */
TEST(socket_that_nobody_listens_at_is_refused)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[] = "/tmp/adb-dead-XXXXXX";
    REQUIRE(mkdtemp(path) != NULL);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    close(fd);
    check_refusal(NULL, address.sun_path, 0);
    CU_ASSERT_NOT_EQUAL(atomic_load(&n_closed), 0); /* or nothing has been watched */
    unlink(address.sun_path);
    rmdir(path);
}

TEST(socket_that_is_not_there_is_refused)
{
    check_refusal(NULL, "/nonexistent/socket", 0);
}

TEST(path_that_is_too_long_is_refused)
{
    char path[300];
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    check_refusal(NULL, path, 0);
}

/* Nobody has port 1 of this machine. */
TEST(port_that_nobody_listens_at_is_refused)
{
    check_refusal("127.0.0.1", NULL, 1);
    CU_ASSERT_NOT_EQUAL(atomic_load(&n_closed), 0);
}

SUITE(mysql_connect, CASE(socket_that_nobody_listens_at_is_refused), CASE(socket_that_is_not_there_is_refused),
      CASE(path_that_is_too_long_is_refused), CASE(port_that_nobody_listens_at_is_refused))
