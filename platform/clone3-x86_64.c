/* SPDX-License-Identifier: Apache-2.0 */

/*
 * clone3(2) for x86-64. The kernel gives the child its registers as they were and the stack pointer
 * at the end of its stack, which is 16-byte aligned as a call needs it. r12 and r13 survive the
 * system call (only rax, rcx and r11 do not).
 */

#include "platform/clone3.h"

#include <sys/syscall.h>

long
tn_clone3(const struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    register int (*child_run)(void *) __asm__("r12") = run;
    register void *child_data __asm__("r13") = data;
    long result;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(size), "r"(child_run), "r"(child_data)
                     : "rcx", "r11", "memory", "cc");
    return result;
}
