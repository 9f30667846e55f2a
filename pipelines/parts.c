/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parts.h"
#include "message.h"
#include "partfile.h"
#include "tempfile.h"

typedef enum {
  AT_BEGINNING, /* nothing was read yet */
  AFTER_FIRST,  /* the film's first frame was given */
  IN_RUN,       /* between the first and the last of several parts that follow each other */
  AT_END
} Place;

struct _TcParts {
  const TcOptions *options;
  const TcManifest *manifest;
  gboolean *wanted;
  AVRational base; /* of the frames that are written */

  /* Of the reading thread. */
  TcInput input;
  Place place;
  gboolean first_seen; /* by tc_parts_want() */
  gboolean run_done;
  guint first, last; /* parts of the run */
  gint64 n_packets;  /* of the video, read since the file was opened */
  gboolean drained;  /* there are no more packets */
  AVPacket *packet;

  /* Of the writing one. */
  guint next; /* the part that comes after those that were written or passed over */
  int current;
  TcPartWriter *writer;
  gboolean started; /* the first frame has come */
  gboolean stopped;
};

TcParts *
tc_parts_new (const TcOptions *options, const TcManifest *manifest, const gboolean *wanted,
              GError **error)
{
  TcParts *self = g_new0 (TcParts, 1);

  self->options = options;
  self->manifest = manifest;
  self->wanted = g_memdup2 (wanted, manifest->n_parts * sizeof *wanted);
  self->base = manifest->time_base;
  self->packet = av_packet_alloc ();
  self->current = -1;
  if (!tc_input_open (&self->input, options, error)) {
    tc_parts_free (self);
    return NULL;
  }
  return self;
}

void
tc_parts_set_time_base (TcParts *self, AVRational base)
{
  self->base = base;
}

void
tc_parts_free (TcParts *self)
{
  if (self == NULL)
    return;
  tc_part_writer_free (self->writer);
  tc_input_close (&self->input);
  av_packet_free (&self->packet);
  g_free (self->wanted);
  g_free (self);
}

const TcInput *
tc_parts_get_input (const TcParts *self)
{
  return &self->input;
}

/* In the manifest's time base: ranges are half-open, so that times in between belong to those
 * before. */
static gint64
time_of (const TcParts *self, const AVFrame *frame)
{
  return av_rescale_q_rnd (frame->pts, self->base, self->manifest->time_base, AV_ROUND_DOWN);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The next packet of the video, or FALSE at the end. */
static gboolean
read_packet (TcParts *self)
{
  TcInput *input = &self->input;

  while (tc_input_read (input, self->packet)) {
    if (self->packet->stream_index == input->video->index) {
      self->n_packets++;
      return TRUE;
    }
    av_packet_unref (self->packet);
  }
  return FALSE;
}

static gboolean
decode_next (TcParts *self, AVFrame *frame)
{
  TcInput *input = &self->input;

  while (!tc_input_receive (input, frame)) {
    if (self->drained)
      return FALSE;
    if (read_packet (self)) {
      tc_input_send (input, self->packet);
      av_packet_unref (self->packet);
    } else {
      tc_input_send (input, NULL);
      self->drained = TRUE;
    }
  }
  return TRUE;
}

/* Goes on from the key frame at which the range's decoding begins, as the demuxer finds it. */
static gboolean
seek_to_entry (TcParts *self, const TcRange *range)
{
  TcInput *input = &self->input;
  /* Demuxers seek by other times than those that pictures are shown at, or only about there. */
  static const int seconds_early[] = {0, 1, 10};

  for (guint i = 0; i < G_N_ELEMENTS (seconds_early); i++) {
    gint64 early = av_rescale_q (seconds_early[i], (AVRational){1, 1}, input->video->time_base);

    if (!tc_input_seek (input, range->entry_time - early))
      return FALSE;
    while (read_packet (self)) {
      gboolean key = (self->packet->flags & AV_PKT_FLAG_KEY) != 0;
      gint64 time = self->packet->pts;

      if (key && time == range->entry_time) {
        tc_input_send (input, self->packet);
        av_packet_unref (self->packet);
        return TRUE;
      }
      av_packet_unref (self->packet);
      if (key && time != AV_NOPTS_VALUE && time > range->entry_time)
        break;
    }
  }
  return FALSE;
}

/* The same by counting packets from the beginning, which needs nothing of the demuxer. */
static gboolean
count_to_entry (TcParts *self, const TcRange *range, GError **error)
{
  TcInput *input = &self->input;
  AVFrame *frame;
  gboolean ok;

  tc_input_close (input);
  if (!tc_input_open (input, self->options, error))
    return FALSE;
  self->n_packets = 0;
  self->drained = FALSE;
  if (range->entry == 0)
    return TRUE;
  /* Frames are converted to what the first one is. */
  frame = av_frame_alloc ();
  ok = decode_next (self, frame);
  av_frame_free (&frame);
  if (!ok || self->n_packets > range->entry)
    return TRUE; /* decoded from the beginning on */
  tc_input_flush (input);
  while (self->n_packets < range->entry && read_packet (self))
    av_packet_unref (self->packet);
  return TRUE;
}

static gboolean
go_to_run (TcParts *self, GError **error)
{
  const TcRange *range = &self->manifest->parts[self->first];

  self->drained = FALSE;
  return (range->entry > 0 && range->entry_time != G_MININT64 && seek_to_entry (self, range)) ||
         count_to_entry (self, range, error);
}

/* The parts to make next: one, and what follows right behind it. */
static gboolean
find_run (TcParts *self, guint from)
{
  guint n = self->manifest->n_parts;

  while (from < n && !self->wanted[from])
    from++;
  if (from == n)
    return FALSE;
  self->first = self->last = from;
  while (self->last + 1 < n && self->wanted[self->last + 1])
    self->last++;
  return TRUE;
}

gboolean
tc_parts_want (TcParts *self, const AVFrame *frame)
{
  const TcRange *parts = self->manifest->parts;
  gint64 time = time_of (self, frame);
  gboolean first = !self->first_seen;

  self->first_seen = TRUE;
  if (self->place < IN_RUN)
    return first;
  if (time >= parts[self->last].end)
    self->run_done = TRUE;
  return first || (!self->run_done && (self->first == 0 || time >= parts[self->first].start));
}

/* Goes to the next run. FALSE: there is none, or an error. */
static gboolean
next_run (TcParts *self, GError **error)
{
  gboolean at_first = self->place == AFTER_FIRST;

  if (!find_run (self, at_first ? 0 : self->last + 1)) {
    self->place = AT_END;
    return FALSE;
  }
  self->place = IN_RUN;
  self->run_done = FALSE;
  /* The film's beginning goes on behind its first frame. */
  return (at_first && self->first == 0) || go_to_run (self, error);
}

gboolean
tc_parts_read (TcParts *self, AVFrame *frame, GError **error)
{
  if (self->place == AT_BEGINNING) {
    if (!decode_next (self, frame))
      return tc_fail (error, "%s: not one frame of its video could be decoded", self->options->in);
    self->place = AFTER_FIRST;
    return TRUE;
  }
  while (self->place != AT_END) {
    if (self->place == IN_RUN && !self->run_done && decode_next (self, frame))
      return TRUE;
    if (!next_run (self, error))
      return FALSE;
  }
  return FALSE;
}

/* ---- writing -------------------------------------------------------------------------------- */

gboolean
tc_parts_add_packet (gpointer data, AVPacket *packet, GError **error)
{
  TcParts *self = data;

  return tc_part_writer_add (self->writer, packet, error);
}

static gboolean
begin_part (TcParts *self, TcVideo *video, guint part, GError **error)
{
  const AVCodecContext *encoder = tc_video_restart (video, NULL, error);

  if (encoder == NULL)
    return FALSE;
  self->writer = tc_part_writer_new (self->manifest, self->options->out, part, encoder, error);
  return self->writer != NULL;
}

static gboolean
end_part (TcParts *self, TcVideo *video, gboolean encoded, GError **error)
{
  gboolean ok = !encoded || tc_video_encode (video, NULL, error);

  ok = ok && tc_part_writer_commit (self->writer, error);
  tc_part_writer_free (g_steal_pointer (&self->writer));
  if (ok && tc_signals_stop_wanted ()) {
    self->stopped = TRUE;
    return FALSE;
  }
  return ok;
}

/* Parts of which nothing could be decoded are parts all the same. */
static gboolean
pass_to (TcParts *self, TcVideo *video, guint part, GError **error)
{
  for (; self->next < part; self->next++)
    if (self->wanted[self->next] &&
        (!begin_part (self, video, self->next, error) || !end_part (self, video, FALSE, error)))
      return FALSE;
  return TRUE;
}

static int
find_part (const TcParts *self, gint64 time)
{
  int part = tc_manifest_find (self->manifest, time);

  return part < 0 && time < self->manifest->parts[0].start ? 0 : part;
}

gboolean
tc_parts_write (TcParts *self, TcVideo *video, AVFrame *frame, GError **error)
{
  int part;

  if (frame != NULL && !self->started) {
    self->started = TRUE;
    if (tc_video_restart (video, frame, error) == NULL)
      return FALSE;
  }
  part = frame != NULL ? find_part (self, time_of (self, frame)) : -1;

  if (part != self->current) {
    if (self->writer != NULL && !end_part (self, video, TRUE, error))
      return FALSE;
    self->current = part;
    if (!pass_to (self, video, part >= 0 ? (guint) part : self->manifest->n_parts, error))
      return FALSE;
    if (part >= 0) {
      self->next = (guint) part + 1;
      if (self->wanted[part] && !begin_part (self, video, (guint) part, error))
        return FALSE;
    }
  }
  return self->writer == NULL || tc_video_encode (video, frame, error);
}

gboolean
tc_parts_were_stopped (const TcParts *self)
{
  return self->stopped;
}
