/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deinterlace.h"
#include "compat.h"
#include "filter.h"
#include "message.h"

/* A film of 24 frames a second is told as 30 by repeating fields. */
static const AVRational film = {4, 5};

/* So many times FFmpeg's pullup is shown the first frame before it, and the last after it: it drops
 * what comes before it has found its step, and keeps for ever what it has not decided on yet. */
#define PULLUP_REPEATS 4

struct _TcDeinterlace {
  TcDeinterlaceMode mode;
  AVRational in_base, out_base, in_rate, out_rate;
  TcFilter *filter;                /* NULL: frames pass as they are */
  AVFrame *passing;                /* the one that does, or nothing */
  GQueue lengths;                  /* of the frames in the filter; see Length */
  gint64 first_pts, last_pts, end; /* that of the last that went in, from first_pts on */
  gboolean begun, ended;
};

typedef struct {
  gint64 pts, duration; /* in in_base */
  gboolean fields;
} Length;

TcDeinterlace *
tc_deinterlace_new (const TcOptions *options, AVRational time_base, AVRational frame_rate)
{
  TcDeinterlace *self = g_new0 (TcDeinterlace, 1);

  self->mode = options->deinterlace;
  self->in_base = self->out_base = time_base;
  self->in_rate = self->out_rate = frame_rate;
  self->passing = av_frame_alloc ();
  self->last_pts = AV_NOPTS_VALUE;
  g_queue_init (&self->lengths);
  if (self->mode == TC_DEINTERLACE_DOUBLE) {
    self->out_base = av_mul_q (time_base, (AVRational){1, 2});
    self->out_rate = av_mul_q (frame_rate, (AVRational){2, 1});
  } else if (self->mode == TC_DEINTERLACE_PULLUP) {
    self->out_rate = av_mul_q (frame_rate, film);
    /* The film's times are not those of the frames that told it. */
    if (av_cmp_q (time_base, (AVRational){1, 1000}) > 0)
      self->out_base = (AVRational){1, 90000};
  }
  return self;
}

void
tc_deinterlace_free (TcDeinterlace *self)
{
  if (self == NULL)
    return;
  tc_filter_free (self->filter);
  av_frame_free (&self->passing);
  g_queue_clear_full (&self->lengths, g_free);
  g_free (self);
}

AVRational
tc_deinterlace_get_time_base (const TcDeinterlace *self)
{
  return self->out_base;
}

AVRational
tc_deinterlace_get_frame_rate (const TcDeinterlace *self)
{
  return self->out_rate;
}

/* ---- in -------------------------------------------------------------------------------------- */

/* pullup gives each frame the time of the one that it had to see before it could decide: a frame of
 * the film later than its own. */
static char *
describe_pullup (const TcDeinterlace *self)
{
  AVRational in = av_inv_q (self->in_rate), out = self->out_rate;

  return g_strdup_printf ("settb=1/90000,tpad=start=%d:start_mode=clone:stop=%d:stop_mode=clone,"
                          "pullup,setpts=PTS-(%d*%d/%d+%d/%d)/TB,fps=%d/%d:start_time=0",
                          PULLUP_REPEATS, PULLUP_REPEATS, PULLUP_REPEATS, in.num, in.den, out.den,
                          out.num, out.num, out.den);
}

static gboolean
start (TcDeinterlace *self, const AVFrame *like, GError **error)
{
  char *text;

  if (self->mode == TC_DEINTERLACE_PULLUP)
    text = describe_pullup (self);
  else
    text = g_strdup_printf ("yadif=mode=%s:deint=%s",
                            self->mode == TC_DEINTERLACE_DOUBLE ? "send_field" : "send_frame",
                            self->mode == TC_DEINTERLACE_ALL ? "all" : "interlaced");
  self->filter = tc_filter_new (text, like, self->in_base, self->in_rate, error);
  g_free (text);
  return self->filter != NULL;
}

/* Which frames of a file without a word about them are left alone, and which are not. */
static gboolean
begin (TcDeinterlace *self, const AVFrame *frame, GError **error)
{
  gboolean fields = tc_frame_is_interlaced (frame);

  if (self->mode == TC_DEINTERLACE_UNTOLD && fields && !self->begun)
    return tc_fail (error,
                    "the video is interlaced: choose deinterlace=yes, deinterlace=double (each "
                    "field a frame) or deinterlace=no (it only claims to be)");
  if (self->mode == TC_DEINTERLACE_UNTOLD && fields)
    tc_note ("from %.1f s on there are interlaced pictures, which are deinterlaced; "
             "deinterlace=no would leave them alone",
             (double) (frame->pts - self->first_pts) * av_q2d (self->in_base));
  if (!self->begun)
    self->first_pts = frame->pts;
  self->begun = TRUE;
  if (self->mode == TC_DEINTERLACE_NO || (self->mode == TC_DEINTERLACE_UNTOLD && !fields))
    return TRUE;
  return start (self, frame, error);
}

gboolean
tc_deinterlace_push (TcDeinterlace *self, AVFrame *frame, GError **error)
{
  Length *length;

  self->ended = frame == NULL;
  if (frame == NULL)
    return self->filter == NULL || tc_filter_end (self->filter, self->end, error);
  if (self->filter == NULL && !begin (self, frame, error))
    return FALSE;
  if (self->filter == NULL) {
    av_frame_move_ref (self->passing, frame);
    return TRUE;
  }
  /* Counted from the first, so that a film's frames lie where its first one does. */
  frame->pts -= self->first_pts;
  length = g_new (Length, 1);
  *length = (Length){frame->pts, tc_frame_get_duration (frame), tc_frame_is_interlaced (frame)};
  g_queue_push_tail (&self->lengths, length);
  self->end = length->pts + length->duration;
  return tc_filter_push (self->filter, frame, error);
}

/* ---- out ------------------------------------------------------------------------------------- */

/* The last frame that went in not after `pts`. */
static Length
find_length (TcDeinterlace *self, gint64 pts)
{
  const Length *next;

  while ((next = g_queue_peek_nth (&self->lengths, 1)) != NULL && next->pts <= pts)
    g_free (g_queue_pop_head (&self->lengths));
  next = g_queue_peek_head (&self->lengths);
  return next != NULL ? *next : (Length){pts, 0, FALSE};
}

/* Whether a frame of a film, of which the last one was repeated, is one too many. */
static gboolean
is_beyond (const TcDeinterlace *self, gint64 pts, AVRational base)
{
  /* What is shown for half its time at least is wanted. */
  AVRational half = av_mul_q (base, (AVRational){1, 2});

  return self->mode == TC_DEINTERLACE_PULLUP && self->ended &&
         av_compare_ts (2 * pts + 1, half, self->end, self->in_base) > 0;
}

gboolean
tc_deinterlace_pull (TcDeinterlace *self, AVFrame *frame)
{
  AVRational base;
  Length length;
  gint64 pts;
  gboolean field;

  if (self->filter == NULL) {
    if (self->passing->buf[0] == NULL)
      return FALSE;
    av_frame_move_ref (frame, self->passing);
  } else if (!tc_filter_pull (self->filter, frame)) {
    return FALSE;
  } else {
    base = tc_filter_get_time_base (self->filter);
    pts = frame->pts;
    if (is_beyond (self, pts, base)) {
      av_frame_unref (frame);
      return FALSE;
    }
    length = find_length (self, av_rescale_q_rnd (pts, base, self->in_base, AV_ROUND_DOWN));
    field = av_compare_ts (pts, base, length.pts, self->in_base) > 0;
    frame->pts = av_rescale_q (pts, base, self->out_base) +
                 av_rescale_q (self->first_pts, self->in_base, self->out_base);
    if (self->mode == TC_DEINTERLACE_PULLUP)
      length.duration = av_rescale_q (1, av_inv_q (self->out_rate), self->out_base);
    /* Of ticks half as long, a field lasts as many as its frame did of whole ones; a frame that
     * is left alone is shown for both. */
    else if (self->mode == TC_DEINTERLACE_DOUBLE && !length.fields)
      length.duration *= 2;
    tc_frame_set_duration (frame, length.duration);
    /* Captions are told once a frame. */
    if (self->mode == TC_DEINTERLACE_DOUBLE && field)
      av_frame_remove_side_data (frame, AV_FRAME_DATA_A53_CC);
    if (self->last_pts != AV_NOPTS_VALUE && frame->pts <= self->last_pts)
      frame->pts = self->last_pts + 1;
    self->last_pts = frame->pts;
  }
  tc_frame_set_progressive (frame);
  return TRUE;
}

char *
tc_deinterlace_describe (const TcOptions *options)
{
  switch (options->deinterlace) {
  case TC_DEINTERLACE_YES:
    return g_strdup ("deinterlace method=yadif fields=top ! ");
  case TC_DEINTERLACE_DOUBLE:
    return g_strdup ("deinterlace method=yadif ! ");
  case TC_DEINTERLACE_ALL:
    return g_strdup ("deinterlace method=yadif mode=interlaced fields=top ! ");
  default:
    return g_strdup ("");
  }
}
