/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline.h"
#include "message.h"
#include "packet.h"

/* How far from where it was expected a time may lie, in microseconds. Formats whose clocks are
 * known to jump (MPEG-TS, PS, ...) are believed less than those that write a file as a whole:
 * there, a gap is a gap, and only what cannot be meant is mended. */
#define BACK_BROADCAST (AV_TIME_BASE / 10)
#define AHEAD_BROADCAST (10 * (gint64) AV_TIME_BASE)
#define BACK_FILE ((gint64) AV_TIME_BASE)
#define AHEAD_FILE (30 * 3600 * (gint64) AV_TIME_BASE)
/* A track follows another over a jump when it lands this near to where it was. */
#define NEAR (10 * (gint64) AV_TIME_BASE)
/* A time this near to where the track was before its jump, and within so many packets: the jump was
 * but a few wrong times. */
#define BACK_AGAIN (AV_TIME_BASE / 10)
#define MAX_WRONG 25
/* Packets that wait for the reference to jump as well, and for how much of its time. */
#define MAX_HELD 1000
#define MAX_WAIT (3 * (gint64) AV_TIME_BASE)
/* Most lines about jumps; more would say nothing new. */
#define MAX_LINES 4
/* No time of a file is as far from 0 (71 years; and what sums need to stay within 64 bits). */
#define MAX_TIME (G_GINT64_CONSTANT (1) << 51)
#define MAX_TICKS (G_GINT64_CONSTANT (1) << 61)

typedef struct {
  guint epoch;  /* which of the offsets holds */
  gint64 turns; /* what wraps have added, in the stream's time base */
  gint64 next; /* when the next packet is expected, as the file counts; AV_NOPTS_VALUE: not known */
  gint64 shown;    /* the largest end of what is shown, as the file counts */
  guint n_packets; /* since the jump */
  guint last_epoch;
  gint64 last_next; /* `next` as it would be without the jump */
  gboolean held;
} Stream;

struct _TcTimeline {
  AVFormatContext *format;
  int reference;
  gboolean broadcast;
  gint64 start;
  GArray *offsets; /* gint64: what is added after each jump; AV_NOPTS_VALUE: it was none */
  GArray *streams; /* Stream */
  GQueue ready, held;
  gint64 held_since; /* where the reference was */
  guint n_joins;
};

TcTimeline *
tc_timeline_new (AVFormatContext *format, int reference)
{
  TcTimeline *self = g_new0 (TcTimeline, 1);
  gint64 none = 0;

  self->format = format;
  self->reference = reference;
  self->broadcast = (format->iformat->flags & AVFMT_TS_DISCONT) != 0;
  self->start = format->start_time != AV_NOPTS_VALUE ? format->start_time : 0;
  if ((self->start < 0 && !self->broadcast) || ABS (self->start) > MAX_TIME)
    self->start = 0;
  self->offsets = g_array_new (FALSE, TRUE, sizeof (gint64));
  g_array_append_val (self->offsets, none);
  self->streams = g_array_new (FALSE, TRUE, sizeof (Stream));
  g_queue_init (&self->ready);
  g_queue_init (&self->held);
  return self;
}

void
tc_timeline_free (TcTimeline *self)
{
  if (self == NULL)
    return;
  g_queue_clear_full (&self->ready, tc_packet_destroy);
  g_queue_clear_full (&self->held, tc_packet_destroy);
  g_array_unref (self->offsets);
  g_array_unref (self->streams);
  g_free (self);
}

/* ---- a packet's own time ------------------------------------------------------------------- */

/* Tracks may show up at any time. */
static Stream *
stream_at (TcTimeline *self, int index)
{
  while (self->streams->len <= (guint) MAX (index, self->reference)) {
    Stream stream = {.next = AV_NOPTS_VALUE, .shown = AV_NOPTS_VALUE};

    g_array_append_val (self->streams, stream);
  }
  return &g_array_index (self->streams, Stream, index);
}

static gint64
offset_at (const TcTimeline *self, guint epoch)
{
  return g_array_index (self->offsets, gint64, epoch);
}

static gint64
to_us (gint64 time, AVRational base)
{
  return av_rescale_q (time, base, AV_TIME_BASE_Q);
}

/* A damaged time counts as none. */
static gint64
check_time (gint64 time, AVRational base)
{
  if (time == AV_NOPTS_VALUE || time > MAX_TICKS || time < -MAX_TICKS)
    return AV_NOPTS_VALUE;
  time = to_us (time, base);
  return time > MAX_TIME || time < -MAX_TIME ? AV_NOPTS_VALUE : time;
}

static void
check_times (AVPacket *packet, AVRational base)
{
  if (check_time (packet->pts, base) == AV_NOPTS_VALUE)
    packet->pts = AV_NOPTS_VALUE;
  if (check_time (packet->dts, base) == AV_NOPTS_VALUE)
    packet->dts = AV_NOPTS_VALUE;
  if (packet->duration < 0 || check_time (packet->duration, base) == AV_NOPTS_VALUE ||
      to_us (packet->duration, base) > AHEAD_FILE)
    packet->duration = 0;
}

static gint64
duration_of (const TcTimeline *self, const AVPacket *packet, AVStream *stream)
{
  AVRational rate;

  if (packet->duration > 0)
    return to_us (packet->duration, stream->time_base);
  if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
    return 0;
  rate = av_guess_frame_rate (self->format, stream, NULL);
  return rate.num > 0 && rate.den > 0 ? to_us (1, av_inv_q (rate)) : 0;
}

/* Counts on where a clock of few bits wraps: of all the times that a packet's may stand for, the
 * one nearest to `expected`. */
static void
unwrap (Stream *state, AVPacket *packet, const AVStream *stream, gint64 expected)
{
  gint64 time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts, turn, distance;

  if (stream->pts_wrap_bits < 16 || stream->pts_wrap_bits > 48)
    return;
  turn = G_GINT64_CONSTANT (1) << stream->pts_wrap_bits;
  if (time != AV_NOPTS_VALUE && expected != AV_NOPTS_VALUE) {
    distance = time + state->turns - av_rescale_q (expected, AV_TIME_BASE_Q, stream->time_base);
    if (ABS (distance) < 64 * turn) {
      for (; distance > turn / 2; distance -= turn)
        state->turns -= turn;
      for (; distance < -turn / 2; distance += turn)
        state->turns += turn;
    }
  }
  if (packet->pts != AV_NOPTS_VALUE)
    packet->pts += state->turns;
  if (packet->dts != AV_NOPTS_VALUE)
    packet->dts += state->turns;
}

/* ---- jumps --------------------------------------------------------------------------------- */

/* Where the reference is, on the timeline. */
static gint64
position (TcTimeline *self)
{
  const Stream *state = stream_at (self, self->reference);

  return state->next == AV_NOPTS_VALUE ? AV_NOPTS_VALUE
                                       : state->next + offset_at (self, state->epoch);
}

static void
enter (TcTimeline *self, Stream *state, guint epoch, gint64 next)
{
  state->last_epoch = state->epoch;
  state->last_next = state->next;
  state->n_packets = 0;
  state->epoch = epoch;
  state->next = next;
  state->shown = AV_NOPTS_VALUE;
}

static void
tell (TcTimeline *self, const AVStream *stream, gint64 expected, gint64 time)
{
  if (++self->n_joins <= MAX_LINES)
    tc_note ("%s: at %.2f s the clock of track %d jumps by %+.2f s: joined on without a gap",
             self->format->url != NULL && g_str_has_prefix (self->format->url, "file:")
                 ? self->format->url + 5
                 : "input",
             (double) (expected - self->start) / AV_TIME_BASE, stream->index,
             (double) (time - expected) / AV_TIME_BASE);
  else if (self->n_joins == MAX_LINES + 1)
    tc_note ("the clock keeps jumping; further jumps are not reported");
}

/* The offset for what begins with `packet`, the first of `stream` after a jump. For pictures it is
 * what keeps them at even distances as they are shown; after that, as they are stored. */
static void
add_epoch (TcTimeline *self, Stream *state, const AVPacket *packet, const AVStream *stream,
           gint64 time)
{
  gint64 offset = state->next - time, before = offset_at (self, state->epoch);

  if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && (packet->flags & AV_PKT_FLAG_KEY) &&
      packet->pts != AV_NOPTS_VALUE && state->shown != AV_NOPTS_VALUE)
    offset = state->shown - to_us (packet->pts, stream->time_base);
  offset += before;
  tell (self, stream, state->next + before, time + before);
  g_array_append_val (self->offsets, offset);
}

static gboolean
has_jumped (const TcTimeline *self, const Stream *state, gint64 time)
{
  gint64 distance = time - state->next, here = time + offset_at (self, state->epoch);

  if (distance < -(self->broadcast ? BACK_BROADCAST : BACK_FILE))
    return TRUE;
  if (distance <= (self->broadcast ? AHEAD_BROADCAST : AHEAD_FILE))
    return FALSE;
  /* Where another track has got to without a jump, this one but had a gap. */
  for (guint i = 0; i < self->streams->len; i++) {
    const Stream *other = &g_array_index (self->streams, Stream, i);

    if (other != state && other->next != AV_NOPTS_VALUE &&
        !tc_stream_is_sparse (self->format->streams[i]) &&
        ABS (other->next + offset_at (self, other->epoch) - here) < NEAR)
      return FALSE;
  }
  return TRUE;
}

/* The first packet of a track, or one that has nothing to do with the one before: it belongs where
 * it lands nearest to the reference. */
static void
place_freely (TcTimeline *self, Stream *state, gint64 time)
{
  gint64 now = position (self), best = G_MAXINT64;

  if (now == AV_NOPTS_VALUE)
    return;
  for (guint e = self->offsets->len; e-- > state->epoch;) {
    gint64 offset = offset_at (self, e);

    if (offset != AV_NOPTS_VALUE && ABS (time + offset - now) < best) {
      best = ABS (time + offset - now);
      state->epoch = e;
    }
  }
}

/* FALSE: this cannot be said before the reference has come to its own jump. */
static gboolean
place (TcTimeline *self, Stream *state, const AVPacket *packet, const AVStream *stream, gint64 time,
       gboolean now)
{
  if (tc_stream_is_sparse (stream) || state->next == AV_NOPTS_VALUE) {
    place_freely (self, state, time);
    return TRUE;
  }
  if (state->epoch != state->last_epoch && state->n_packets < MAX_WRONG &&
      ABS (time - state->last_next) < BACK_AGAIN && ABS (time - state->next) > BACK_AGAIN) {
    /* As if it had not been. */
    if (stream->index == self->reference && state->epoch == self->offsets->len - 1)
      g_array_index (self->offsets, gint64, state->epoch) = AV_NOPTS_VALUE;
    enter (self, state, state->last_epoch, time);
    state->last_epoch = state->epoch;
    return TRUE;
  }
  if (!has_jumped (self, state, time))
    return TRUE;
  for (guint e = state->epoch + 1; e < self->offsets->len; e++) {
    gint64 offset = offset_at (self, e);

    if (offset != AV_NOPTS_VALUE &&
        ABS (time + offset - state->next - offset_at (self, state->epoch)) < NEAR) {
      enter (self, state, e, time);
      return TRUE;
    }
  }
  if (stream->index != self->reference && !now)
    return FALSE;
  add_epoch (self, state, packet, stream, time);
  enter (self, state, self->offsets->len - 1, time);
  return TRUE;
}

/* ---- in and out ---------------------------------------------------------------------------- */

/* Gives the packet its time on the timeline. */
static void
stamp (TcTimeline *self, Stream *state, AVPacket *packet, AVStream *stream, gint64 time)
{
  gint64 shift = av_rescale_q (offset_at (self, state->epoch), AV_TIME_BASE_Q, stream->time_base) -
                 av_rescale_q (self->start, AV_TIME_BASE_Q, stream->time_base);
  gint64 duration = duration_of (self, packet, stream), end;

  if (time != AV_NOPTS_VALUE)
    state->next = time + duration;
  else if (state->next != AV_NOPTS_VALUE)
    state->next += duration;
  state->last_next += duration;
  state->n_packets++;
  if (packet->pts != AV_NOPTS_VALUE) {
    end = to_us (packet->pts, stream->time_base) + duration;
    if (state->shown == AV_NOPTS_VALUE || end > state->shown)
      state->shown = end;
    packet->pts += shift;
  }
  if (packet->dts != AV_NOPTS_VALUE)
    packet->dts += shift;
}

/* Pictures that are copied need decoding times where the file tells none: as it is with Matroska,
 * those before the first picture that is shown. */
static void
complete_dts (TcTimeline *self, const Stream *state, AVPacket *packet, AVStream *stream)
{
  gint64 frame;

  if (packet->dts != AV_NOPTS_VALUE || packet->pts == AV_NOPTS_VALUE ||
      stream->index == self->reference || stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
    return;
  if (state->next != AV_NOPTS_VALUE) {
    packet->dts = av_rescale_q (state->next, AV_TIME_BASE_Q, stream->time_base);
  } else {
    frame = duration_of (self, packet, stream) * CLAMP (stream->codecpar->video_delay, 0, 32);
    packet->dts = packet->pts - av_rescale_q (frame, AV_TIME_BASE_Q, stream->time_base);
  }
  packet->dts = MIN (packet->dts, packet->pts);
}

/* FALSE: it has to wait. */
static gboolean
settle (TcTimeline *self, AVPacket *packet, gboolean now)
{
  AVStream *stream = self->format->streams[packet->stream_index];
  Stream *state = stream_at (self, packet->stream_index);
  gint64 time, expected = state->next, turns = state->turns;
  gint64 pts, dts;

  /* A cover has no time, and comes first. */
  if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) {
    packet->pts = packet->dts = 0;
    g_queue_push_tail (&self->ready, packet);
    return TRUE;
  }
  check_times (packet, stream->time_base);
  pts = packet->pts;
  dts = packet->dts;
  if (expected == AV_NOPTS_VALUE || tc_stream_is_sparse (stream))
    expected = stream_at (self, self->reference)->next;
  if (expected == AV_NOPTS_VALUE)
    expected = self->start;
  unwrap (state, packet, stream, expected);
  complete_dts (self, state, packet, stream);
  time = packet->dts;
  /* Of pictures that are stored in another order than shown, only the former has to grow. */
  if (time == AV_NOPTS_VALUE && stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
    time = packet->pts;
  if (time != AV_NOPTS_VALUE)
    time = to_us (time, stream->time_base);
  if (time != AV_NOPTS_VALUE && !place (self, state, packet, stream, time, now)) {
    state->turns = turns;
    packet->pts = pts;
    packet->dts = dts;
    return FALSE;
  }
  stamp (self, state, packet, stream, time);
  g_queue_push_tail (&self->ready, packet);
  return TRUE;
}

/* Packets that waited learn the outcome of the jump. */
static void
release (TcTimeline *self)
{
  AVPacket *packet;

  for (guint i = 0; i < self->streams->len; i++)
    g_array_index (self->streams, Stream, i).held = FALSE;
  while ((packet = g_queue_pop_head (&self->held)) != NULL)
    settle (self, packet, TRUE);
}

void
tc_timeline_push (TcTimeline *self, AVPacket *packet)
{
  AVPacket *own = av_packet_alloc ();
  guint n_epochs = self->offsets->len;

  av_packet_move_ref (own, packet);
  if (stream_at (self, own->stream_index)->held || !settle (self, own, FALSE)) {
    if (g_queue_is_empty (&self->held))
      self->held_since = position (self);
    stream_at (self, own->stream_index)->held = TRUE;
    g_queue_push_tail (&self->held, own);
  }
  if (!g_queue_is_empty (&self->held) &&
      (self->offsets->len > n_epochs || self->held.length > MAX_HELD ||
       position (self) > self->held_since + MAX_WAIT))
    release (self);
}

void
tc_timeline_seek (TcTimeline *self)
{
  g_queue_clear_full (&self->ready, tc_packet_destroy);
  g_queue_clear_full (&self->held, tc_packet_destroy);
  g_array_set_size (self->streams, 0);
}

void
tc_timeline_end (TcTimeline *self)
{
  release (self);
}

gboolean
tc_timeline_pull (TcTimeline *self, AVPacket *packet)
{
  AVPacket *own = g_queue_pop_head (&self->ready);

  if (own == NULL)
    return FALSE;
  av_packet_move_ref (packet, own);
  av_packet_free (&own);
  return TRUE;
}

gint64
tc_timeline_get_start (const TcTimeline *self)
{
  return self->start;
}

guint
tc_timeline_count_joins (const TcTimeline *self)
{
  return self->n_joins;
}
