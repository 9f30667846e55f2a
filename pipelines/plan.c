/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"
#include "input.h"
#include "message.h"

#include <math.h>

/* Of a film of which only the first pictures are wanted, so many more packets are read: pictures
 * are not in the order of time. */
#define MORE_PACKETS 300

/* ---- when pictures are shown ---------------------------------------------------------------- */

static gboolean
read_packets (TcTimes *times, TcInput *input, gint64 frames)
{
  AVPacket *packet = av_packet_alloc ();
  gboolean exact = TRUE;

  while ((frames == 0 || times->packets->len < frames + MORE_PACKETS) &&
         tc_input_read (input, packet)) {
    if (packet->stream_index == input->video->index) {
      TcStamp stamp = {packet->pts, (packet->flags & AV_PKT_FLAG_KEY) != 0};

      exact &= stamp.time != AV_NOPTS_VALUE;
      g_array_append_val (times->packets, stamp);
      g_array_append_val (times->times, stamp.time);
    }
    av_packet_unref (packet);
  }
  av_packet_free (&packet);
  g_array_sort (times->times, tc_compare_times);
  for (guint i = 1; exact && i < times->times->len; i++)
    exact = g_array_index (times->times, gint64, i - 1) < g_array_index (times->times, gint64, i);
  return exact;
}

static void
receive_times (TcTimes *times, TcInput *input, AVFrame *frame)
{
  while (tc_input_receive (input, frame)) {
    g_array_append_val (times->times, frame->pts);
    av_frame_unref (frame);
  }
}

static void
decode_all (TcTimes *times, TcInput *input, gint64 frames)
{
  AVPacket *packet = av_packet_alloc ();
  AVFrame *frame = av_frame_alloc ();

  g_array_set_size (times->times, 0);
  while ((frames == 0 || times->times->len <= frames) && tc_input_read (input, packet)) {
    if (packet->stream_index == input->video->index) {
      tc_input_send (input, packet);
      receive_times (times, input, frame);
    }
    av_packet_unref (packet);
  }
  tc_input_send (input, NULL);
  receive_times (times, input, frame);
  av_packet_free (&packet);
  av_frame_free (&frame);
}

gboolean
tc_times_scan (TcTimes *times, const TcOptions *options, GError **error)
{
  gint64 frames = options->frames;
  TcInput input = {0};
  gboolean ok;

  *times = (TcTimes){.packets = g_array_new (FALSE, FALSE, sizeof (TcStamp)),
                     .times = g_array_new (FALSE, FALSE, sizeof (gint64))};
  ok = tc_input_open (&input, options, error);
  if (ok) {
    times->base = input.video->time_base;
    times->exact = read_packets (times, &input, frames);
    times->one_clock = tc_timeline_count_joins (input.timeline) == 0;
  }
  tc_input_close (&input);
  /* What pullup makes of a picture depends on all that came before. */
  if (options->deinterlace == TC_DEINTERLACE_PULLUP)
    times->from_start = TRUE;
  if (ok && !times->exact) {
    ok = tc_input_open (&input, options, error);
    if (ok)
      decode_all (times, &input, frames);
    tc_input_close (&input);
  }
  if (ok && times->times->len == 0)
    ok = tc_fail (error, "%s: its video has not one picture", options->in);
  /* One time more than is wanted tells where the last part ends. */
  if (ok && frames > 0 && times->times->len > frames)
    g_array_set_size (times->times, (guint) frames + 1);
  else if (ok)
    g_array_append_vals (times->times, &(gint64){G_MAXINT64}, 1);
  if (!ok)
    tc_times_clear (times);
  return ok;
}

void
tc_times_clear (TcTimes *times)
{
  g_clear_pointer (&times->packets, g_array_unref);
  g_clear_pointer (&times->times, g_array_unref);
}

/* ---- where it is cut ------------------------------------------------------------------------ */

/* Key frames as far as the times that are looked for have come. */
typedef struct {
  guint next; /* packet */
  gint64 before, last;
} Keys;

/* Two key frames early: what comes right behind the first one may need what came before it (open
 * groups of pictures, pictures refreshed little by little). */
static void
find_entry (TcRange *part, const TcTimes *times, Keys *keys)
{
  const TcStamp *stamp = (const TcStamp *) (const void *) times->packets->data;

  part->entry = 0;
  part->entry_time = G_MININT64;
  if (!times->exact || times->from_start)
    return;
  for (; keys->next < times->packets->len; keys->next++) {
    if (!stamp[keys->next].key)
      continue;
    if (stamp[keys->next].time > part->start)
      break;
    keys->before = keys->last;
    keys->last = keys->next;
  }
  if (keys->before > 0) {
    part->entry = keys->before;
    part->entry_time = times->one_clock ? stamp[keys->before].time : G_MININT64;
  }
}

/* `cuts`: with which picture each part begins. */
static void
make_parts (TcManifest *manifest, const TcTimes *times, const GArray *cuts)
{
  guint n_times = times->times->len - 1;
  Keys keys = {0, -1, -1};

  manifest->time_base = times->base;
  manifest->n_parts = cuts->len;
  manifest->parts = g_new0 (TcRange, cuts->len);
  for (guint i = 0; i < cuts->len; i++) {
    guint from = g_array_index (cuts, guint, i);
    guint to = i + 1 < cuts->len ? g_array_index (cuts, guint, i + 1) : n_times;
    TcRange *part = &manifest->parts[i];

    part->start = g_array_index (times->times, gint64, from);
    part->end = g_array_index (times->times, gint64, to);
    part->n_frames = to - from;
    find_entry (part, times, &keys);
  }
}

void
tc_plan_by_number (TcManifest *manifest, const TcTimes *times, guint n)
{
  GArray *cuts = g_array_new (FALSE, FALSE, sizeof (guint));
  guint n_times = times->times->len - 1;

  n = CLAMP (n, 1, MIN (n_times, TC_MAX_PARTS));
  for (guint i = 0; i < n; i++) {
    guint cut = (guint) ((guint64) n_times * i / n);

    g_array_append_val (cuts, cut);
  }
  make_parts (manifest, times, cuts);
  g_array_unref (cuts);
}

gboolean
tc_plan_by_length (TcManifest *manifest, const TcTimes *times, double length, GError **error)
{
  GArray *cuts = g_array_new (FALSE, FALSE, sizeof (guint));
  const gint64 *time = (const gint64 *) (const void *) times->times->data;
  double ticks = MAX (length / av_q2d (times->base), 1);
  guint n_times = times->times->len - 1;
  gint64 last_part = -1;
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < n_times; i++) {
    gint64 part = (gint64) floor ((double) (time[i] - time[0]) / ticks);

    if (part <= last_part)
      continue;
    last_part = part;
    /* What would be left is too short to be worth a part of its own. */
    if (cuts->len > 0 && (double) (time[n_times - 1] - time[i]) < ticks / 2)
      break;
    g_array_append_val (cuts, i);
    ok = cuts->len <= TC_MAX_PARTS;
  }
  if (ok)
    make_parts (manifest, times, cuts);
  else
    tc_fail (error, "part-length=%g makes more than %d parts", length, TC_MAX_PARTS);
  g_array_unref (cuts);
  return ok;
}
