/* SPDX-License-Identifier: Apache-2.0 */

#include "client/endpoint.h"

#include "client/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_parses(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnEndpoint) socket = tn_endpoint_parse("unix:/run/x:y.sock", &error);
    g_autoptr(TnEndpoint) domain = tn_endpoint_parse("libvirt:web1", &error);

    assert_non_null(socket);
    assert_int_equal(socket->kind, TN_ENDPOINT_UNIX);
    assert_string_equal(socket->name, "/run/x:y.sock");
    assert_string_equal(socket->text, "unix:/run/x:y.sock");
    assert_non_null(domain);
    assert_int_equal(domain->kind, TN_ENDPOINT_LIBVIRT);
    assert_string_equal(domain->name, "web1");
}

static void
test_refuses(void **state)
{
    static const char *const texts[] = {
        "", "web1", "unix:", "libvirt:", "UNIX:/x", "/run/x.sock", "vsock:3"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(tn_endpoint_parse(texts[i], &error));
        assert_true(g_error_matches(error, TN_FAILURE, TN_FAILURE_USAGE));
    }
}

static void
check_split(const char *text, const char *endpoint, const char *path)
{
    g_autofree char *found_endpoint = NULL;
    g_autofree char *found_path = NULL;
    gboolean is_split = tn_endpoint_split(text, &found_endpoint, &found_path);

    assert_true(is_split == (endpoint != NULL));
    if (endpoint == NULL)
        return;
    assert_string_equal(found_endpoint, endpoint);
    assert_string_equal(found_path, path);
}

static void
test_splits(void **state)
{
    check_split("libvirt:web1:/etc/x", "libvirt:web1", "/etc/x");
    check_split("libvirt:web1:/a:/b", "libvirt:web1", "/a:/b");
    check_split("unix:/run/a.sock:/etc/x", "unix:/run/a.sock", "/etc/x");
    check_split("unix:a.sock:/etc/x", "unix:a.sock", "/etc/x");
    check_split("unix:/run/a.sock", NULL, NULL);
    check_split("libvirt:web1", NULL, NULL);
    check_split("libvirt::/x", NULL, NULL);
    check_split("./x:/y", NULL, NULL);
    check_split("/x", NULL, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_splits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
