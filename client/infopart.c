/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agents' facts look like to people. The answers of a stock qemu-ga and of tenond have the
 * same members; one that is absent is shown as "-". Deliberately not here: JSON, which is printed
 * as it came.
 */

#include "client/infopart.h"

#include "client/failure.h"

#include <string.h>

#define NS_PER_S G_GINT64_CONSTANT(1000000000)

static void
add_row(TnTable *table, const char *head, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    tn_table_add(table, head);
    tn_table_add(table, value);
}

static void
add_size(TnTable *table, const TnAnswer *answer, guint at, const char *name)
{
    g_autofree char *text = NULL;
    gint64 bytes = 0;

    if (tn_answer_get_int(answer, at, name, &bytes) && bytes >= 0)
        text = tn_print_format_size((guint64)bytes);
    tn_table_add(table, text);
}

static void
add_number(TnTable *table, const TnAnswer *answer, guint at, const char *name)
{
    gint64 value = 0;

    if (tn_answer_get_int(answer, at, name, &value))
        tn_table_add_int(table, value);
    else
        tn_table_add(table, NULL);
}

static char *
format_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return time == NULL ? NULL : g_date_time_format(time, "%Y-%m-%d %H:%M:%S UTC");
}

static void
fill_os(TnTable *table, const TnAnswer *answer, guint at)
{
    static const struct {
        const char *member;
        const char *head;
    } rows[] = {
        {"pretty-name", "system"},
        {"id", "id"},
        {"version-id", "version"},
        {"variant", "variant"},
        {"kernel-release", "kernel release"},
        {"kernel-version", "kernel version"},
        {"machine", "machine"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        add_row(table, rows[i].head, tn_answer_get_string(answer, at, rows[i].member));
}

static void
add_interface(TnTable *table, const TnAnswer *answer, guint interface, const char *address)
{
    guint statistics = tn_answer_find(answer, interface, "statistics");

    tn_table_add(table, tn_answer_get_string(answer, interface, "name"));
    tn_table_add(table, tn_answer_get_string(answer, interface, "hardware-address"));
    tn_table_add(table, address);
    if (statistics == 0) {
        tn_table_add(table, NULL);
        tn_table_add(table, NULL);
        return;
    }
    add_size(table, answer, statistics, "rx-bytes");
    add_size(table, answer, statistics, "tx-bytes");
}

static char *
format_address(const TnAnswer *answer, guint entry)
{
    const char *address = tn_answer_get_string(answer, entry, "ip-address");
    gint64 prefix = 0;

    if (address == NULL)
        return NULL;
    if (!tn_answer_get_int(answer, entry, "prefix", &prefix))
        return g_strdup(address);
    return g_strdup_printf("%s/%" G_GINT64_FORMAT, address, prefix);
}

static void
fill_net(TnTable *table, const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint interface = 0;

    while ((interface = tn_answer_next(answer, at, &iter)) != 0) {
        guint list = tn_answer_find(answer, interface, "ip-addresses");
        guint address_iter = 0;
        guint entry = list == 0 ? 0 : tn_answer_next(answer, list, &address_iter);

        if (entry == 0)
            add_interface(table, answer, interface, NULL);
        for (; entry != 0; entry = tn_answer_next(answer, list, &address_iter)) {
            g_autofree char *address = format_address(answer, entry);

            add_interface(table, answer, interface, address);
        }
    }
}

static void
append_addresses(const TnAnswer *answer, guint interface, GString *text)
{
    guint list = tn_answer_find(answer, interface, "ip-addresses");
    guint iter = 0;
    guint entry = 0;

    while (list != 0 && (entry = tn_answer_next(answer, list, &iter)) != 0) {
        const char *address = tn_answer_get_string(answer, entry, "ip-address");

        /* Link-local addresses say nothing without their interface. */
        if (address == NULL || g_str_has_prefix(address, "fe80:"))
            continue;
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", address);
    }
}

char *
tn_infopart_format_addresses(const TnAnswer *answer, guint at)
{
    GString *text = g_string_new(NULL);
    guint iter = 0;
    guint interface = 0;

    while ((interface = tn_answer_next(answer, at, &iter)) != 0) {
        if (g_strcmp0(tn_answer_get_string(answer, interface, "name"), "lo") != 0)
            append_addresses(answer, interface, text);
    }
    return g_string_free(text, text->len == 0);
}

static void
add_share(TnTable *table, gint64 part, gint64 whole)
{
    g_autofree char *text = NULL;

    if (whole > 0 && part >= 0 && part <= whole)
        text = g_strdup_printf("%d %%", (int)((double)part * 100.0 / (double)whole + 0.5));
    tn_table_add(table, text);
}

static void
add_disks(TnTable *table, const TnAnswer *answer, guint filesystem)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint list = tn_answer_find(answer, filesystem, "disk");
    guint iter = 0;
    guint disk = 0;

    while (list != 0 && (disk = tn_answer_next(answer, list, &iter)) != 0) {
        const char *dev = tn_answer_get_string(answer, disk, "dev");

        if (dev != NULL)
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", dev);
    }
    tn_table_add(table, text->str);
}

static void
fill_fs(TnTable *table, const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint entry = 0;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        gint64 used = -1;
        gint64 total = -1;

        (void)tn_answer_get_int(answer, entry, "used-bytes", &used);
        (void)tn_answer_get_int(answer, entry, "total-bytes", &total);
        tn_table_add(table, tn_answer_get_string(answer, entry, "mountpoint"));
        tn_table_add(table, tn_answer_get_string(answer, entry, "type"));
        tn_table_add(table, tn_answer_get_string(answer, entry, "name"));
        add_size(table, answer, entry, "total-bytes");
        add_size(table, answer, entry, "used-bytes");
        add_share(table, used, total);
        add_disks(table, answer, entry);
    }
}

static void
fill_disks(TnTable *table, const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint entry = 0;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        guint address = tn_answer_find(answer, entry, "address");
        gboolean is_partition = FALSE;

        (void)tn_answer_get_bool(answer, entry, "partition", &is_partition);
        tn_table_add(table, tn_answer_get_string(answer, entry, "name"));
        tn_table_add(table, is_partition ? "partition" : "disk");
        tn_table_add(table,
                     address == 0 ? NULL : tn_answer_get_string(answer, address, "bus-type"));
        tn_table_add(table, address == 0 ? NULL : tn_answer_get_string(answer, address, "serial"));
        tn_table_add(table, tn_answer_get_string(answer, entry, "alias"));
    }
}

static void
fill_users(TnTable *table, const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint entry = 0;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        g_autofree char *time = NULL;
        double login = 0;

        if (tn_answer_get_double(answer, entry, "login-time", &login) && login > 0 && login < 1e11)
            time = format_time((gint64)login);
        tn_table_add(table, tn_answer_get_string(answer, entry, "user"));
        tn_table_add(table, time);
    }
}

/* tenon-get-memory; or guest-get-memory-block-info, which only tells the size of a block. */
static void
fill_mem(TnTable *table, const TnAnswer *answer, guint at)
{
    static const char *const members[] = {"total",  "available",  "free",     "buffers",
                                          "cached", "swap-total", "swap-free"};
    gint64 bytes = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *text = NULL;

        if (!tn_answer_get_int(answer, at, members[i], &bytes) || bytes < 0)
            continue;
        text = tn_print_format_size((guint64)bytes);
        add_row(table, members[i], text);
    }
    if (tn_answer_get_int(answer, at, "size", &bytes) && bytes > 0) {
        g_autofree char *text = tn_print_format_size((guint64)bytes);

        add_row(table, "block size", text);
    }
}

static void
fill_cpu(TnTable *table, const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint entry = 0;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        gboolean is_online = FALSE;
        gboolean can_offline = FALSE;

        (void)tn_answer_get_bool(answer, entry, "online", &is_online);
        (void)tn_answer_get_bool(answer, entry, "can-offline", &can_offline);
        add_number(table, answer, entry, "logical-id");
        tn_table_add(table, is_online ? "online" : "offline");
        tn_table_add(table, can_offline ? "yes" : "no");
    }
}

static void
fill_load(TnTable *table, const TnAnswer *answer, guint at)
{
    static const char *const members[] = {"load1m", "load5m", "load15m"};

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *text = NULL;
        double load = 0;

        if (tn_answer_get_double(answer, at, members[i], &load))
            text = g_strdup_printf("%.2f", load);
        add_row(table, members[i], text);
    }
}

static void
fill_time(TnTable *table, const TnAnswer *answer, guint at)
{
    g_autofree char *time = NULL;
    g_autofree char *offset = NULL;
    gint64 ns = 0;

    if (tn_answer_get_type(answer, at) != TN_TOKEN_NUMBER ||
        !tn_message_get_int64(&answer->message, at, &ns))
        return;
    time = format_time(ns / NS_PER_S);
    offset = g_strdup_printf("%+.3f s", (double)ns / 1e9 - (double)g_get_real_time() / 1e6);
    add_row(table, "time", time);
    add_row(table, "against this host", offset);
}

static const char *const net_heads[] = {"INTERFACE", "HARDWARE", "ADDRESS", ">IN", ">OUT", NULL};
static const char *const fs_heads[] = {"MOUNT", "TYPE",   "DEVICE", ">SIZE",
                                       ">USED", ">SHARE", "DISKS",  NULL};
static const char *const disk_heads[] = {"NAME", "KIND", "BUS", "SERIAL", "ALIAS", NULL};
static const char *const user_heads[] = {"USER", "SINCE", NULL};
static const char *const cpu_heads[] = {">CPU", "STATE", "CAN GO OFFLINE", NULL};

static const TnInfoPart sections[] = {
    {"os", "os", "guest-get-osinfo", NULL, "operating system", NULL, fill_os},
    {"net", "net", "guest-network-get-interfaces", NULL, "network interfaces", net_heads, fill_net},
    {"fs", "fs", "guest-get-fsinfo", NULL, "mounted file systems", fs_heads, fill_fs},
    {"disks", "disks", "guest-get-disks", NULL, "disks and partitions", disk_heads, fill_disks},
    {"users", "users", "guest-get-users", NULL, "users that are logged in", user_heads, fill_users},
    {"mem", "memory", "tenon-get-memory", "guest-get-memory-block-info", "memory", NULL, fill_mem},
    {"cpu", "cpu", "guest-get-vcpus", NULL, "processors", cpu_heads, fill_cpu},
    {"load", "load", "guest-get-load", NULL, "load averages", NULL, fill_load},
    {"time", "time", "guest-get-time", NULL, "the guest's clock", NULL, fill_time},
    {0},
};

const TnInfoPart *
tn_infopart_get_all(void)
{
    return sections;
}

const TnInfoPart *
tn_infopart_find(const char *name)
{
    for (const TnInfoPart *section = sections; section->name != NULL; section++) {
        if (strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

TnAnswer *
tn_infopart_ask(TnAgent *agent, const TnInfoPart *section, guint *ret_at, GError **error)
{
    g_autoptr(GError) first_error = NULL;
    TnAnswer *answer = tn_dial_simple(agent, section->command, ret_at, &first_error);

    if (answer != NULL)
        return answer;
    if (section->fallback != NULL &&
        g_error_matches(first_error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND))
        return tn_dial_simple(agent, section->fallback, ret_at, error);
    g_propagate_error(error, g_steal_pointer(&first_error));
    return NULL;
}

void
tn_infopart_print(const TnInfoPart *section, const TnAnswer *answer, guint at)
{
    g_autoptr(TnTable) table = tn_table_new(section->heads);

    section->fill(table, answer, at);
    tn_table_print(table, stdout);
}
