/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the kernel says of a process that a filter killed. Only the record tells which call it was:
 * the process is gone, and its status has the signal alone. A record that cannot be trusted does
 * not exist: only the kernel writes lines that begin with "audit: type=1326", what a program writes
 * to the log has another facility.
 */

#include "platform/seccomplog.h"

#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECORD_LIMIT_BYTES = 8192, /* LOG_LINE_MAX and its header; a longer one is cut by read(2) */
    RECORDS_LIMIT = 65536,     /* many times what a usual log holds */
    KERNEL_PRIORITY_LIMIT = 8, /* facility 0 is the kernel's alone: devkmsg_write() never sets it */
};

typedef struct {
    guint32 audit_arch; /* as the record has it */
    guint32 arch;       /* as libseccomp calls it */
    const char *name;
} Arch;

static const Arch archs[] = {
    {0xc000003e, SCMP_ARCH_X86_64, "x86_64"},   {0x40000003, SCMP_ARCH_X86, "i386"},
    {0xc00000b7, SCMP_ARCH_AARCH64, "aarch64"}, {0x40000028, SCMP_ARCH_ARM, "arm"},
    {0x80000016, SCMP_ARCH_S390X, "s390x"},     {0xc0000015, SCMP_ARCH_PPC64LE, "ppc64le"},
};

/* The number behind " NAME=" in RECORD, to BASE. FALSE when there is none. */
static gboolean
read_number(const char *record, const char *name, guint base, guint64 *ret_value)
{
    g_autofree char *mark = g_strdup_printf(" %s=", name);
    const char *at = strstr(record, mark);
    g_autofree char *digits = NULL;

    if (at == NULL)
        return FALSE;
    at += strlen(mark);
    digits = g_strndup(at, strspn(at, "0123456789abcdef"));
    return g_ascii_string_to_unsigned(digits, base, 0, G_MAXUINT32, ret_value, NULL);
}

/* The name of call NUMBER of ARCH, or the number where libseccomp has no name for it. */
static char *
name_call(const Arch *arch, guint64 number)
{
    char *found = seccomp_syscall_resolve_num_arch(arch->arch, (int)number);
    char *name = found != NULL ? g_strdup(found) : g_strdup_printf("%" G_GUINT64_FORMAT, number);

    free(found);
    return name;
}

char *
tn_seccomplog_parse(const char *record, pid_t pid, const char **ret_arch)
{
    const char *text = strchr(record, ';');
    g_autofree char *digits = g_strndup(record, strcspn(record, ","));
    guint64 priority;
    guint64 number;
    guint64 value;

    if (text == NULL || !g_str_has_prefix(text + 1, "audit: type=1326 ") ||
        !g_ascii_string_to_unsigned(digits, 10, 0, KERNEL_PRIORITY_LIMIT - 1, &priority, NULL))
        return NULL;
    if (!read_number(text, "pid", 10, &value) || value != (guint64)pid ||
        !read_number(text, "arch", 16, &value) || !read_number(text, "syscall", 10, &number))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(archs); i++) {
        if (archs[i].audit_arch != value)
            continue;
        *ret_arch = archs[i].name;
        return name_call(&archs[i], number);
    }
    return NULL;
}

char *
tn_seccomplog_find(pid_t pid, const char **ret_arch)
{
    tn_autofd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    char record[RECORD_LIMIT_BYTES + 1];
    char *last = NULL;

    for (int i = 0; fd >= 0 && i < RECORDS_LIMIT; i++) {
        ssize_t n = read(fd, record, RECORD_LIMIT_BYTES);
        char *found;

        if (n < 0 && errno == EPIPE) /* overwritten meanwhile: goes on with the oldest */
            continue;
        if (n <= 0)
            break;
        record[n] = '\0';
        found = tn_seccomplog_parse(record, pid, ret_arch);
        if (found == NULL)
            continue;
        g_free(last); /* an earlier process of the same number */
        last = found;
    }
    return last;
}
