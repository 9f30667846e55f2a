/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcode.h"

#include <string.h>

/* What becomes of a track of the input. */
typedef struct {
  AVStream *in, *out; /* out NULL: left out */
  TcAudio *audio;     /* encoded anew */
  struct _TcOutput *output;
} Track;

struct _TcOutput {
  const TcOptions *options;
  const TcInput *input;
  AVFormatContext *format;
  char *temp;
  Track *tracks;
  guint n_tracks;
  AVStream *video;
  TcEncoderChoice choice;
  AVCodecContext *encoder;
  AVPacket *packet;      /* of the encoding thread */
  GHashTable *durations; /* of the frames in the encoder, by time */
  gint64 n_frames;

  /* Both threads write. Until the encoder is open there is no header, and packets wait. */
  GMutex lock;
  GQueue waiting;
  gboolean header_written;
};

/* ---- writing -------------------------------------------------------------------------------- */

static gboolean
fail_write (TcOutput *self, int code, GError **error)
{
  /* The muxer's own code says little when it was the disk that refused. */
  if (self->format->pb != NULL && self->format->pb->error < 0)
    code = self->format->pb->error;
  return tc_fail_av (error, code, "%s: writing failed", self->options->out);
}

/* Under the lock; takes what the packet holds. */
static gboolean
write_now (TcOutput *self, AVPacket *packet, GError **error)
{
  int result = av_interleaved_write_frame (self->format, packet);

  if (result < 0 || self->format->pb->error < 0)
    return fail_write (self, result, error);
  return TRUE;
}

/* Takes what the packet holds, whose times are in `base`. */
static gboolean
write_packet (TcOutput *self, AVPacket *packet, const AVStream *stream, AVRational base,
              GError **error)
{
  gboolean ok = TRUE;

  packet->stream_index = stream->index;
  packet->pos = -1;
  g_mutex_lock (&self->lock);
  if (self->header_written) {
    av_packet_rescale_ts (packet, base, stream->time_base);
    ok = write_now (self, packet, error);
  } else {
    AVPacket *kept = av_packet_alloc ();

    av_packet_move_ref (kept, packet);
    kept->time_base = base;
    g_queue_push_tail (&self->waiting, kept);
  }
  g_mutex_unlock (&self->lock);
  return ok;
}

static gboolean
write_header (TcOutput *self, GError **error)
{
  AVDictionary *settings = NULL;
  AVRational base = self->input->video->time_base;
  AVPacket *packet;
  gboolean ok = TRUE;
  int result;

  if (base.num == 1)
    av_dict_set_int (&settings, "video_track_timescale", base.den, 0);
  g_mutex_lock (&self->lock);
  result = avformat_write_header (self->format, &settings);
  av_dict_free (&settings);
  if (result < 0 || self->format->pb->error < 0)
    ok = fail_write (self, result, error);
  self->header_written = ok;
  while (ok && (packet = g_queue_pop_head (&self->waiting)) != NULL) {
    AVStream *stream = self->format->streams[packet->stream_index];

    av_packet_rescale_ts (packet, packet->time_base, stream->time_base);
    ok = write_now (self, packet, error);
    av_packet_free (&packet);
  }
  g_mutex_unlock (&self->lock);
  return ok;
}

/* ---- tracks --------------------------------------------------------------------------------- */

static void
copy_side_data (AVStream *to, const AVStream *from)
{
  for (int i = 0; i < from->nb_side_data; i++) {
    const AVPacketSideData *data = &from->side_data[i];
    uint8_t *copy;

    /* These tell of the bits, which are others now. */
    if (data->type == AV_PKT_DATA_CPB_PROPERTIES || data->type == AV_PKT_DATA_NEW_EXTRADATA ||
        data->type == AV_PKT_DATA_DOVI_CONF)
      continue;
    copy = av_stream_new_side_data (to, data->type, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

static AVStream *
add_stream (TcOutput *self, const AVStream *from)
{
  AVStream *stream = avformat_new_stream (self->format, NULL);

  stream->time_base = from->time_base;
  stream->disposition = from->disposition;
  stream->avg_frame_rate = from->avg_frame_rate;
  stream->r_frame_rate = from->r_frame_rate;
  stream->sample_aspect_ratio = from->sample_aspect_ratio;
  av_dict_copy (&stream->metadata, from->metadata, 0);
  copy_side_data (stream, from);
  return stream;
}

static gboolean
can_hold (const TcOutput *self, const AVStream *stream)
{
  const AVOutputFormat *container = self->format->oformat;
  const AVCodecParameters *codec = stream->codecpar;
  int held;

  if (codec->codec_id == AV_CODEC_ID_NONE || codec->codec_type == AVMEDIA_TYPE_DATA)
    return FALSE;
  if (codec->codec_type == AVMEDIA_TYPE_ATTACHMENT)
    return strstr (container->name, "matroska") != NULL;
  if (codec->codec_type == AVMEDIA_TYPE_SUBTITLE && container->subtitle_codec == AV_CODEC_ID_NONE)
    return FALSE;
  held = avformat_query_codec (container, codec->codec_id, FF_COMPLIANCE_NORMAL);
  /* Of a muxer that does not list its codecs (MPEG-TS) the usual ones are expected to go. */
  return held == 1 || (held < 0 && codec->codec_type != AVMEDIA_TYPE_SUBTITLE);
}

static gboolean
copy_track (TcOutput *self, Track *track)
{
  AVCodecParameters *codec;
  const struct AVCodecTag *const *tags = self->format->oformat->codec_tag;

  track->out = add_stream (self, track->in);
  codec = track->out->codecpar;
  avcodec_parameters_copy (codec, track->in->codecpar);
  /* The tag of one container may mean nothing, or something else, in another. */
  if (tags != NULL && av_codec_get_id (tags, codec->codec_tag) != codec->codec_id)
    codec->codec_tag = 0;
  return TRUE;
}

static gboolean
encode_track (TcOutput *self, Track *track, enum AVCodecID codec, GError **error)
{
  const AVOutputFormat *container = self->format->oformat;

  track->audio =
      tc_audio_new (track->in, codec, (container->flags & AVFMT_GLOBALHEADER) != 0, error);
  if (track->audio == NULL)
    return FALSE;
  track->out = add_stream (self, track->in);
  track->out->time_base = tc_audio_get_encoder (track->audio)->time_base;
  avcodec_parameters_from_context (track->out->codecpar, tc_audio_get_encoder (track->audio));
  return TRUE;
}

static gboolean
add_audio (TcOutput *self, Track *track, GError **error)
{
  const AVOutputFormat *container = self->format->oformat;
  const char *name = avcodec_get_name (track->in->codecpar->codec_id);
  enum AVCodecID codec = AV_CODEC_ID_AAC;

  if (self->options->audio == TC_AUDIO_NONE)
    return TRUE;
  if (self->options->audio == TC_AUDIO_COPY && can_hold (self, track->in))
    return copy_track (self, track);
  if (self->options->audio == TC_AUDIO_OPUS ||
      (self->options->audio == TC_AUDIO_COPY &&
       avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL) == 0))
    codec = AV_CODEC_ID_OPUS;
  if (avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL) == 0)
    return tc_fail (error, "%s cannot hold %s sound; choose audio=none or another one",
                    container->name, avcodec_get_name (codec));
  if (self->options->audio == TC_AUDIO_COPY)
    tc_note ("track %d: %s cannot hold %s sound, it is encoded as %s", track->in->index,
             container->name, name, avcodec_get_name (codec));
  return encode_track (self, track, codec, error);
}

static gboolean
add_track (TcOutput *self, Track *track, GError **error)
{
  const AVCodecParameters *codec = track->in->codecpar;

  if (track->in == self->input->video) {
    self->video = track->out = add_stream (self, track->in);
    return TRUE;
  }
  if (codec->codec_type == AVMEDIA_TYPE_AUDIO)
    return add_audio (self, track, error);
  if (can_hold (self, track->in))
    return copy_track (self, track);
  tc_note ("track %d (%s, %s) is left out: %s cannot hold it", track->in->index,
           av_get_media_type_string (codec->codec_type) != NULL
               ? av_get_media_type_string (codec->codec_type)
               : "unknown",
           avcodec_get_name (codec->codec_id), self->format->oformat->name);
  return TRUE;
}

static void
copy_chapters (TcOutput *self)
{
  const AVFormatContext *from = self->input->format;

  self->format->chapters = av_calloc (from->nb_chapters, sizeof *self->format->chapters);
  for (guint i = 0; self->format->chapters != NULL && i < from->nb_chapters; i++) {
    AVChapter *chapter = av_mallocz (sizeof *chapter);

    chapter->id = from->chapters[i]->id;
    chapter->time_base = from->chapters[i]->time_base;
    chapter->start = from->chapters[i]->start;
    chapter->end = from->chapters[i]->end;
    av_dict_copy (&chapter->metadata, from->chapters[i]->metadata, 0);
    self->format->chapters[self->format->nb_chapters++] = chapter;
  }
}

static gboolean
open_file (TcOutput *self, GError **error)
{
  const char *out = self->options->out;
  const AVOutputFormat *container = av_guess_format (NULL, out, NULL);
  char *url;
  int result;

  if (container == NULL || (container->flags & AVFMT_NOFILE) ||
      container->video_codec == AV_CODEC_ID_NONE)
    return tc_fail (error, "%s: the extension names no container for video (mkv, mp4, webm, ...)",
                    out);
  result = avformat_alloc_output_context2 (&self->format, container, NULL, out);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be made", out);
  if (!tc_temp_open (out, &self->temp, error))
    return FALSE;
  url = g_strconcat ("file:", self->temp, NULL);
  result = avio_open (&self->format->pb, url, AVIO_FLAG_WRITE);
  g_free (url);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be written", out);
  return TRUE;
}

TcOutput *
tc_output_new (const TcOptions *options, const TcInput *input, GError **error)
{
  TcOutput *self = g_new0 (TcOutput, 1);
  gboolean ok;

  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  self->options = options;
  self->input = input;
  self->packet = av_packet_alloc ();
  self->durations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  ok = open_file (self, error);
  if (ok) {
    self->n_tracks = input->format->nb_streams;
    self->tracks = g_new0 (Track, self->n_tracks);
    av_dict_copy (&self->format->metadata, input->format->metadata, 0);
    /* The brands tell of the input's own container. */
    av_dict_set (&self->format->metadata, "major_brand", NULL, 0);
    av_dict_set (&self->format->metadata, "minor_version", NULL, 0);
    av_dict_set (&self->format->metadata, "compatible_brands", NULL, 0);
    av_dict_set (&self->format->metadata, "encoder", NULL, 0);
    copy_chapters (self);
  }
  for (guint i = 0; ok && i < self->n_tracks; i++) {
    self->tracks[i].in = input->format->streams[i];
    self->tracks[i].output = self;
    ok = add_track (self, &self->tracks[i], error);
  }
  if (!ok) {
    tc_output_free (self);
    return NULL;
  }
  return self;
}

static void
free_packet (gpointer data)
{
  AVPacket *packet = data;

  av_packet_free (&packet);
}

void
tc_output_free (TcOutput *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_tracks; i++)
    tc_audio_free (self->tracks[i].audio);
  if (self->format != NULL) {
    avio_closep (&self->format->pb);
    avformat_free_context (self->format);
  }
  tc_temp_discard ();
  avcodec_free_context (&self->encoder);
  av_packet_free (&self->packet);
  g_hash_table_unref (self->durations);
  g_queue_clear_full (&self->waiting, free_packet);
  g_mutex_clear (&self->lock);
  g_free (self->tracks);
  g_free (self->temp);
  g_free (self);
}

const AVOutputFormat *
tc_output_get_format (const TcOutput *self)
{
  return self->format->oformat;
}

void
tc_output_set_encoder (TcOutput *self, const TcEncoderChoice *choice)
{
  self->choice = *choice;
}

static gboolean
on_audio_packet (gpointer data, AVPacket *packet, GError **error)
{
  Track *track = data;

  return write_packet (track->output, packet, track->out,
                       tc_audio_get_encoder (track->audio)->time_base, error);
}

gboolean
tc_output_add_packet (TcOutput *self, AVPacket *packet, GError **error)
{
  Track *track;

  /* A track that shows up only in the middle of the file. */
  if ((guint) packet->stream_index >= self->n_tracks)
    return TRUE;
  track = &self->tracks[packet->stream_index];
  if (track->out == NULL)
    return TRUE;
  if (track->audio != NULL)
    return tc_audio_push (track->audio, packet, on_audio_packet, track, error);
  return write_packet (self, packet, track->out, track->in->time_base, error);
}

gboolean
tc_output_end_packets (TcOutput *self, GError **error)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i].audio != NULL &&
        !tc_audio_push (self->tracks[i].audio, NULL, on_audio_packet, &self->tracks[i], error))
      return FALSE;
  return TRUE;
}

/* ---- video ---------------------------------------------------------------------------------- */

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

    if (data == NULL || av_stream_get_side_data (stream, kinds[i].to, NULL) != NULL)
      continue;
    copy = av_stream_new_side_data (stream, kinds[i].to, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

static gboolean
start_video (TcOutput *self, const AVFrame *frame, GError **error)
{
  const AVOutputFormat *container = self->format->oformat;

  self->encoder = tc_encoder_open (&self->choice, self->options, frame, self->input->video,
                                   self->input->frame_rate,
                                   (container->flags & AVFMT_GLOBALHEADER) != 0, error);
  if (self->encoder == NULL)
    return FALSE;
  avcodec_parameters_from_context (self->video->codecpar, self->encoder);
  self->video->sample_aspect_ratio = self->encoder->sample_aspect_ratio;
  /* The tag that players of Apple's insist on. */
  if (self->choice.codec->id == AV_CODEC_ID_HEVC && container->codec_tag != NULL &&
      av_codec_get_id (container->codec_tag, MKTAG ('h', 'v', 'c', '1')) == AV_CODEC_ID_HEVC)
    self->video->codecpar->codec_tag = MKTAG ('h', 'v', 'c', '1');
  add_hdr_side_data (self->video, frame);
  if (!g_str_equal (container->name, "mp4") && !g_str_equal (container->name, "mov") &&
      av_stream_get_side_data (self->video, AV_PKT_DATA_DISPLAYMATRIX, NULL) != NULL)
    tc_note ("%s cannot hold how the picture is rotated; mp4 can", container->name);
  /* Matroska tells when frames are shown, so that decoding times before 0, which reordering
   * brings about, are no reason to move everything. */
  if (strstr (container->name, "matroska") != NULL || strstr (container->name, "webm") != NULL)
    self->format->avoid_negative_ts = 0;
  return write_header (self, error);
}

gboolean
tc_output_encode (TcOutput *self, AVFrame *frame, GError **error)
{
  gint64 *duration;
  int result;

  if (frame != NULL) {
    if (self->encoder == NULL && !start_video (self, frame, error))
      return FALSE;
    g_hash_table_insert (self->durations, g_memdup2 (&frame->pts, sizeof frame->pts),
                         g_memdup2 (&frame->pkt_duration, sizeof frame->pkt_duration));
    self->n_frames++;
  } else if (self->encoder == NULL) {
    return tc_fail (error, "no frame came out of the pipeline");
  }
  result = avcodec_send_frame (self->encoder, frame);
  if (result < 0)
    return tc_fail_av (error, result, "encoding failed");
  while ((result = avcodec_receive_packet (self->encoder, self->packet)) >= 0) {
    duration = g_hash_table_lookup (self->durations, &self->packet->pts);
    if (duration != NULL) {
      gint64 pts = self->packet->pts;

      self->packet->duration = *duration;
      g_hash_table_remove (self->durations, &pts);
    }
    if (!write_packet (self, self->packet, self->video, self->encoder->time_base, error))
      return FALSE;
  }
  if (result != AVERROR (EAGAIN) && result != AVERROR_EOF)
    return tc_fail_av (error, result, "encoding failed");
  return TRUE;
}

gboolean
tc_output_commit (TcOutput *self, GError **error)
{
  int result = av_write_trailer (self->format);

  if (result >= 0)
    avio_flush (self->format->pb);
  if (result < 0 || self->format->pb->error < 0)
    return fail_write (self, result, error);
  result = avio_closep (&self->format->pb);
  if (result < 0)
    return tc_fail_av (error, result, "%s: writing failed", self->options->out);
  return tc_temp_commit (self->temp, self->options->out, error);
}

gint64
tc_output_count_frames (const TcOutput *self)
{
  return self->n_frames;
}

void
tc_output_get_size (const TcOutput *self, int *width, int *height)
{
  *width = self->encoder->width;
  *height = self->encoder->height;
}
