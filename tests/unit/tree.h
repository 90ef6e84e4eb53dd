/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests: a directory of the test's own that stands for a machine, written file by file, and
 * the trees under tests/sysroot. Include after cmocka.h.
 */

#include "platform/fd.h"
#include "platform/sysroot.h"

#include <ftw.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    char *path;
    int fd;
} Tree;

static inline Tree *
tree_new(void)
{
    Tree *tree = g_new0(Tree, 1);

    tree->path = g_dir_make_tmp("tenon-tree-XXXXXX", NULL);
    assert_non_null(tree->path);
    tree->fd = tn_sysroot_new(tree->path, NULL);
    assert_true(tree->fd >= 0);
    return tree;
}

static inline char *
tree_prepare(const Tree *tree, const char *name)
{
    char *path = g_build_filename(tree->path, name, NULL);
    g_autofree char *dir = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
    return path;
}

static inline void
tree_put_bytes(const Tree *tree, const char *name, const char *bytes, gsize size)
{
    g_autofree char *path = tree_prepare(tree, name);

    assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

static inline void
tree_put(const Tree *tree, const char *name, const char *text)
{
    tree_put_bytes(tree, name, text, strlen(text));
}

static inline void
tree_link(const Tree *tree, const char *name, const char *target)
{
    g_autofree char *path = tree_prepare(tree, name);

    assert_int_equal(symlink(target, path), 0);
}

static inline void
tree_mkdir(const Tree *tree, const char *name)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL);

    assert_int_equal(g_mkdir_with_parents(path, 0755), 0);
}

static inline int
tree_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void
tree_free(Tree *tree)
{
    if (tree == NULL)
        return;
    tn_fd_clear(&tree->fd);
    (void)nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    g_free(tree->path);
    g_free(tree);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

#ifdef TN_TEST_SYSROOTS
/* The tree NAME of tests/sysroot; the caller closes it. */
static inline int
tree_open_captured(const char *name)
{
    g_autofree char *path = g_build_filename(TN_TEST_SYSROOTS, name, NULL);
    int fd = tn_sysroot_new(path, NULL);

    assert_true(fd >= 0);
    return fd;
}
#endif
