/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets in GLib's queues.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>

/* A GDestroyNotify for packets. */
static inline void
tc_packet_destroy (gpointer data)
{
  AVPacket *packet = data;

  av_packet_free (&packet);
}
