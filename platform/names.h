/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Well-known paths and limits that more than one room needs. A limit has its unit in its name and
 * its source beside it.
 */

#define TN_VIRTIO_PORT_PATH "/dev/virtio-ports/org.qemu.guest_agent.0"
#define TN_ISA_SERIAL_PATH  "/dev/ttyS0"

/* tenond's own directories; the program name qemu-ga uses qemu-ga's (qga-behaviour section 1). */
#define TN_RUN_DIR   "/run/tenon"
#define TN_STATE_DIR "/var/lib/tenon"

/* Largest reply line on a serial port: libvirt hands a reply on as an XDR string of at most 4 MiB
 * (remote_protocol.x, REMOTE_STRING_MAX). Listeners have no limit of their own. */
#define TN_SERIAL_REPLY_LIMIT_BYTES 4194304
/* Raw captured bytes of both streams together that fit such a line as base64 with its envelope. */
#define TN_SERIAL_CAPTURE_LIMIT_BYTES 3100000
/* Part of that budget which the other stream cannot use up. */
#define TN_SERIAL_CAPTURE_RESERVED_BYTES 65536
/* Per captured stream on a listener, as in qemu-ga. */
#define TN_CAPTURE_LIMIT_BYTES 16777216
/* Largest count of guest-file-read, as in qemu-ga. */
#define TN_FILE_READ_LIMIT_BYTES 50331648

/* How descriptors are called in LISTEN_FDNAMES, sd_listen_fds_with_names(3): the state, and the
 * others by their place from 1 on, such as tenon-7. */
#define TN_HANDOVER_PREFIX "tenon-"
#define TN_HANDOVER_STATE  "tenon-state"
/* The open serial port, before them; only for the program that this process becomes. */
#define TN_HANDOVER_PORT "tenon-port"
