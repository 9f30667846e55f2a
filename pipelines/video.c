/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "video.h"
#include "compat.h"
#include "container.h"
#include "filter.h"
#include "hardware.h"
#include "message.h"
#include "pixels.h"
#include "sei.h"

#include <string.h>

struct _TcVideo {
  const TcOptions *options;
  const TcInput *input;
  TcMuxer *muxer;
  AVStream *stream;
  TcEncoderChoice choice;
  AVRational frames_base, frame_rate; /* of the frames */
  AVRational time_base;               /* of what is encoded */
  TcPixels *pixels;
  AVCodecContext *encoder;
  AVPacket *packet;
  GHashTable *kept; /* Kept of the frames in the encoder, by time */
  gint64 last_pts;
  gint64 n_moved; /* frames that came too soon after the one before for a container without times */
  gint64 n_frames;
  AVFrame *first; /* what the encoder was opened for, where there will be more than one */
  gboolean fresh; /* the encoder has seen no frame yet */
  gboolean captions_told, hdr10plus_told; /* that they are lost */
};

/* What a packet is to have of the frame that it was made from. */
typedef struct {
  gint64 pts, duration;
  AVFrame *properties; /* NULL: the encoder has seen to everything */
} Kept;

static void
kept_free (gpointer data)
{
  Kept *kept = data;

  av_frame_free (&kept->properties);
  g_free (kept);
}

TcVideo *
tc_video_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer, AVStream *stream)
{
  TcVideo *self = g_new0 (TcVideo, 1);

  self->options = options;
  self->input = input;
  self->muxer = muxer;
  self->stream = stream;
  self->last_pts = AV_NOPTS_VALUE;
  self->packet = av_packet_alloc ();
  self->pixels = tc_pixels_new ();
  self->kept = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, kept_free);
  return self;
}

void
tc_video_free (TcVideo *self)
{
  if (self == NULL)
    return;
  avcodec_free_context (&self->encoder);
  av_frame_free (&self->first);
  av_packet_free (&self->packet);
  tc_pixels_free (self->pixels);
  tc_encoder_choice_clear (&self->choice);
  g_hash_table_unref (self->kept);
  g_free (self);
}

void
tc_video_set_encoder (TcVideo *self, const TcEncoderChoice *choice, AVRational time_base,
                      AVRational frame_rate)
{
  self->choice = *choice;
  self->frames_base = time_base;
  self->frame_rate = frame_rate;
}

static void
add_hdr_side_data (AVStream *stream, const AVFrame *frame)
{
  static const struct {
    enum AVFrameSideDataType from;
    enum AVPacketSideDataType to;
  } kinds[] = {
      {AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA},
      {AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL},
      {AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_DATA_DISPLAYMATRIX},
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    AVFrameSideData *data = av_frame_get_side_data (frame, kinds[i].from);
    uint8_t *copy;

    if (data == NULL || tc_stream_get_side_data (stream, kinds[i].to, NULL) != NULL)
      continue;
    copy = tc_stream_new_side_data (stream, kinds[i].to, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

/* Containers that have no times count frames: there, the rate is to be that of the source, and if
 * that varies, one that has a place for every frame. */
static AVRational
choose_time_base (const TcVideo *self)
{
  AVRational rate = self->frame_rate, finest = self->input->video->r_frame_rate;

  if (!tc_container_counts_frames (tc_muxer_get_format (self->muxer)))
    return self->frames_base;
  if (finest.num > 0 && finest.den > 0 && av_cmp_q (finest, rate) > 0 &&
      av_q2d (finest) <= 4 * av_q2d (rate))
    rate = finest;
  self->stream->avg_frame_rate = self->stream->r_frame_rate = rate;
  return av_inv_q (rate);
}

/* From the time base of the frames to that of the encoder. */
static void
rescale_times (TcVideo *self, AVFrame *frame)
{
  AVRational from = self->frames_base;
  gint64 duration;

  if (av_cmp_q (from, self->time_base) == 0)
    return;
  frame->pts = av_rescale_q (frame->pts, from, self->time_base);
  duration = av_rescale_q (tc_frame_get_duration (frame), from, self->time_base);
  tc_frame_set_duration (frame, MAX (duration, 1));
  if (self->last_pts != AV_NOPTS_VALUE && frame->pts <= self->last_pts) {
    frame->pts = self->last_pts + 1;
    self->n_moved++;
  }
  self->last_pts = frame->pts;
}

static AVCodecContext *
open_encoder (TcVideo *self, const AVFrame *first, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);

  return tc_encoder_open (&self->choice, self->options, first, self->input->video, self->time_base,
                          self->frame_rate, (container->flags & AVFMT_GLOBALHEADER) != 0, error);
}

static gboolean
start_video (TcVideo *self, const AVFrame *frame, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  gboolean second_picture;

  self->encoder = open_encoder (self, frame, error);
  if (self->encoder == NULL)
    return FALSE;
  tc_stream_set_encoder (self->stream, self->encoder);
  self->stream->sample_aspect_ratio = self->encoder->sample_aspect_ratio;
  if (av_cmp_q (self->frame_rate, self->input->frame_rate) != 0)
    self->stream->avg_frame_rate = self->stream->r_frame_rate = self->frame_rate;
  /* It tells of a second picture beside the first, as these have it, and of nothing else. */
  second_picture = self->choice.alpha && (self->choice.codec->id == AV_CODEC_ID_VP8 ||
                                          self->choice.codec->id == AV_CODEC_ID_VP9);
  av_dict_set (&self->stream->metadata, "alpha_mode", second_picture ? "1" : NULL, 0);
  /* The tag that players of Apple's insist on. */
  if (self->choice.codec->id == AV_CODEC_ID_HEVC && container->codec_tag != NULL &&
      av_codec_get_id (container->codec_tag, MKTAG ('h', 'v', 'c', '1')) == AV_CODEC_ID_HEVC)
    self->stream->codecpar->codec_tag = MKTAG ('h', 'v', 'c', '1');
  add_hdr_side_data (self->stream, frame);
  if (!g_str_equal (container->name, "mp4") && !g_str_equal (container->name, "mov") &&
      tc_stream_get_side_data (self->stream, AV_PKT_DATA_DISPLAYMATRIX, NULL) != NULL)
    tc_note ("%s cannot hold how the picture is rotated; mp4 can", container->name);
  /* Matroska tells when frames are shown, so that decoding times before 0, which reordering
   * brings about, are no reason to move everything. */
  if (tc_container_is_matroska (container))
    tc_muxer_get_context (self->muxer)->avoid_negative_ts = 0;
  return tc_muxer_write_header (self->muxer, self->time_base, error);
}

/* What some codecs, or their encoders, have no place for. */
static void
tell_lost (TcVideo *self, const AVFrame *frame)
{
  enum AVCodecID codec = self->choice.codec->id;
  gboolean holds_captions =
      codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_MPEG2VIDEO;

  if (!holds_captions && !self->captions_told &&
      av_frame_get_side_data (frame, AV_FRAME_DATA_A53_CC) != NULL) {
    tc_note ("the closed captions in the video are lost: %s does not write any; h264 and hevc do",
             self->choice.codec->name);
    self->captions_told = TRUE;
  }
  if (codec != AV_CODEC_ID_HEVC && !self->hdr10plus_told &&
      av_frame_get_side_data (frame, AV_FRAME_DATA_DYNAMIC_HDR_PLUS) != NULL) {
    tc_note ("the dynamic metadata of HDR10+ is lost: it is written with hevc only, not by %s",
             self->choice.codec->name);
    self->hdr10plus_told = TRUE;
  }
}

static void
keep (TcVideo *self, const AVFrame *frame)
{
  Kept *kept = g_new0 (Kept, 1);

  kept->pts = frame->pts;
  kept->duration = tc_frame_get_duration (frame);
  if (self->choice.codec->id == AV_CODEC_ID_HEVC &&
      (av_frame_get_side_data (frame, AV_FRAME_DATA_A53_CC) != NULL ||
       av_frame_get_side_data (frame, AV_FRAME_DATA_DYNAMIC_HDR_PLUS) != NULL)) {
    kept->properties = av_frame_alloc ();
    av_frame_copy_props (kept->properties, frame);
  }
  g_hash_table_insert (self->kept, &kept->pts, kept);
}

/* The colours that each frame needs most, of its own. */
static gboolean
choose_palette (const TcVideo *self, AVFrame *frame, GError **error)
{
  TcFilter *filter = tc_filter_new ("split[a][b];[a]palettegen=stats_mode=single[c];"
                                    "[b][c]paletteuse=new=1",
                                    frame, self->frames_base, self->frame_rate, error);
  AVFrame *properties = av_frame_alloc ();
  gboolean ok;

  av_frame_copy_props (properties, frame);
  ok = filter != NULL && tc_filter_push (filter, frame, error) &&
       tc_filter_end (filter, properties->pts + tc_frame_get_duration (properties), error);
  if (ok && !tc_filter_pull (filter, frame))
    ok = tc_fail (error, "no palette could be chosen for a frame");
  if (ok)
    av_frame_copy_props (frame, properties);
  av_frame_free (&properties);
  tc_filter_free (filter);
  return ok;
}

/* To what the encoder takes. */
static gboolean
convert_frame (TcVideo *self, AVFrame *frame, GError **error)
{
  TcPixelKind kind = tc_encoder_get_kind (&self->choice, frame);
  gboolean paletted = self->choice.format == AV_PIX_FMT_PAL8;

  if (paletted)
    kind.format = AV_PIX_FMT_BGRA;
  return tc_pixels_convert (self->pixels, frame, &kind, error) &&
         (!paletted || choose_palette (self, frame, error));
}

static gboolean
send_frame (TcVideo *self, AVFrame *frame, GError **error)
{
  int result;

  if (frame != NULL) {
    if (!convert_frame (self, frame, error))
      return FALSE;
    if (self->encoder == NULL)
      self->stream->time_base = self->time_base = choose_time_base (self);
    rescale_times (self, frame);
    if (self->encoder == NULL && !start_video (self, frame, error))
      return FALSE;
    tell_lost (self, frame);
    keep (self, frame);
    self->n_frames++;
    self->fresh = FALSE;
    result = tc_hardware_upload (self->encoder, frame);
    if (result < 0)
      return tc_fail_av (error, result, "a frame cannot be loaded up to the device");
    frame->format = self->encoder->pix_fmt; /* which may have a name of its own for full range */
  } else if (self->encoder == NULL) {
    return tc_fail (error, "no frame came out of the pipeline");
  }
  result = avcodec_send_frame (self->encoder, frame);
  return result >= 0 || tc_fail_av (error, result, "encoding failed");
}

static gboolean
write_packet (TcVideo *self, GError **error)
{
  const Kept *kept = g_hash_table_lookup (self->kept, &self->packet->pts);
  const AVCodecParameters *source = self->input->video->codecpar;
  gint64 pts = self->packet->pts;

  if (kept != NULL) {
    self->packet->duration = kept->duration;
    if (kept->properties != NULL &&
        !tc_sei_add (self->packet, kept->properties,
                     (double) self->encoder->width / MAX (source->width, 1),
                     (double) self->encoder->height / MAX (source->height, 1), error))
      return FALSE;
    g_hash_table_remove (self->kept, &pts);
  }
  return tc_muxer_write (self->muxer, self->packet, self->stream, self->encoder->time_base, error);
}

gboolean
tc_video_encode (TcVideo *self, AVFrame *frame, GError **error)
{
  int result;

  if (!send_frame (self, frame, error))
    return FALSE;
  while ((result = avcodec_receive_packet (self->encoder, self->packet)) >= 0)
    if (!write_packet (self, error))
      return FALSE;
  if (result != AVERROR (EAGAIN) && result != AVERROR_EOF)
    return tc_fail_av (error, result, "encoding failed");
  if (frame == NULL && self->n_moved > 0)
    tc_note ("%s has no times: %" G_GINT64_FORMAT " frames came too soon for its %.3f a second and "
             "were moved",
             tc_muxer_get_format (self->muxer)->name, self->n_moved, 1 / av_q2d (self->time_base));
  return TRUE;
}

const AVCodecContext *
tc_video_restart (TcVideo *self, AVFrame *first, GError **error)
{
  if (self->first == NULL) {
    if (!convert_frame (self, first, error))
      return NULL;
    self->stream->time_base = self->time_base = choose_time_base (self);
    self->first = av_frame_clone (first);
    if (!start_video (self, first, error))
      return NULL;
  } else if (!self->fresh) {
    avcodec_free_context (&self->encoder);
    self->encoder = open_encoder (self, self->first, error);
    g_hash_table_remove_all (self->kept);
    self->last_pts = AV_NOPTS_VALUE;
  }
  self->fresh = self->encoder != NULL;
  return self->encoder;
}

const AVCodecContext *
tc_video_get_encoder (const TcVideo *self)
{
  return self->encoder;
}

const char *
tc_video_get_encoder_name (const TcVideo *self)
{
  return self->choice.codec->name;
}

gint64
tc_video_count_frames (const TcVideo *self)
{
  return self->n_frames;
}

void
tc_video_get_size (const TcVideo *self, int *width, int *height)
{
  *width = self->encoder->width;
  *height = self->encoder->height;
}
