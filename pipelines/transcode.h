/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rfdn-transcode: enlarges a video file with the element rfdnupscale.
 *
 * FFmpeg's libraries read, decode, encode and write, because they keep what a file is made of
 * besides pictures: exact timestamps, tracks copied packet for packet, chapters, side data. In the
 * middle a GStreamer pipeline enlarges. Three threads overlap: the main one reads and decodes, that
 * of appsrc enlarges, a third encodes and writes.
 */
#pragma once

#include <gst/app/app.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* ---- messages: one line each, on stderr ---------------------------------------------------- */

#define TC_NAME "rfdn-transcode"

/* Sets `error` and returns FALSE. */
gboolean tc_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, with FFmpeg's words for `code` at the end. */
gboolean tc_fail_av (GError **error, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void tc_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
void tc_note_error (const GError *error);
void tc_log_init (void);
/* Whether FFmpeg said that the input ends in the middle of something. */
gboolean tc_log_ended_early (void);

/* ---- options.c ------------------------------------------------------------------------------ */

typedef enum { TC_AUDIO_COPY, TC_AUDIO_AAC, TC_AUDIO_OPUS, TC_AUDIO_NONE } TcAudioMode;

typedef struct {
  char *in, *out;
  char *model; /* NULL: the element's own */
  char *scale;
  char *codec; /* NULL: by the container */
  char *preset;
  int crf; /* -1: by the codec */
  int threads;
  int tile_size, tile_overlap;
  TcAudioMode audio;
  gboolean deinterlace;
  gint64 frames; /* 0: all */
} TcOptions;

gboolean tc_options_parse (TcOptions *options, int argc, char **argv, GError **error);
void tc_options_clear (TcOptions *options);
void tc_options_help (void);

/* ---- input.c -------------------------------------------------------------------------------- */

typedef struct {
  AVFormatContext *format;
  AVStream *video;
  AVCodecContext *decoder;
  AVRational frame_rate;
  gint64 last_pts;
  gint64 last_duration;
  gint64 n_frames;
  gint64 n_damaged; /* packets that the decoder refused, and frames it had to make up */
  gint64 n_moved;   /* frames whose timestamp did not lie after the one before */
  gint64 last_seen; /* the largest end of a packet, in microseconds */
  int read_error;
} TcInput;

gboolean tc_input_open (TcInput *input, const char *path, GError **error);
void tc_input_close (TcInput *input);
/* FALSE at the end, which a reading error is too. */
gboolean tc_input_read (TcInput *input, AVPacket *packet);
/* `packet` NULL: no more will come. */
void tc_input_send (TcInput *input, const AVPacket *packet);
/* A frame with pts and duration in the time base of the stream, or FALSE when there is none yet. */
gboolean tc_input_receive (TcInput *input, AVFrame *frame);
gint64 tc_input_count_frames (const TcInput *input);
/* What is to be said when the file ends earlier than it claims, or NULL. */
char *tc_input_describe_end (const TcInput *input);

/* ---- colour.c: FFmpeg's formats and colours, and GStreamer's ------------------------------- */

/* `work` is what the element takes for it: another format where it has no such one. */
gboolean tc_format_from_av (enum AVPixelFormat format, GstVideoFormat *own, GstVideoFormat *work);
enum AVPixelFormat tc_format_to_av (GstVideoFormat format);
/* The same without FFmpeg's doubled formats of full range. */
enum AVPixelFormat tc_format_plain (enum AVPixelFormat format, gboolean *full_range);
GstCaps *tc_caps_from_frame (const AVFrame *frame, GstVideoFormat format, AVRational frame_rate,
                             AVRational aspect);
/* Colours that `frame` does not tell are taken from the caps that the element made. */
void tc_frame_set_colours (AVFrame *frame, const GstVideoInfo *info);

/* ---- upscale.c ------------------------------------------------------------------------------ */

typedef struct _TcUpscale TcUpscale;

/* `encode`: the format that the frames are to come out in. */
TcUpscale *tc_upscale_new (const TcOptions *options, const AVFrame *first, GstVideoFormat work,
                           GstVideoFormat encode, AVRational time_base, AVRational frame_rate,
                           GError **error);
void tc_upscale_free (TcUpscale *upscale);
/* Waits while enough frames are on their way. FALSE: it has failed or was stopped. */
gboolean tc_upscale_push (TcUpscale *upscale, AVFrame *frame, AVRational aspect, GError **error);
void tc_upscale_push_end (TcUpscale *upscale);
/* From the encoding thread: the next frame, or NULL after the last one or when stopped. */
AVFrame *tc_upscale_pull (TcUpscale *upscale);
/* From the encoding thread: nothing more will be pulled; wakes whoever waits. */
void tc_upscale_finish (TcUpscale *upscale, gboolean failed);
/* Waits for tc_upscale_finish. FALSE with the error when the pipeline failed. */
gboolean tc_upscale_wait (TcUpscale *upscale, GError **error);
/* The middle of the pipeline as gst-launch-1.0 reads it. */
char *tc_upscale_describe (const TcOptions *options, gboolean top_first, GstVideoFormat own,
                           GstVideoFormat work, GstVideoFormat encode, gboolean for_shell);

/* ---- encoder.c ------------------------------------------------------------------------------ */

typedef struct {
  const AVCodec *codec;
  enum AVPixelFormat format;
} TcEncoderChoice;

gboolean tc_encoder_choose (TcEncoderChoice *choice, const TcOptions *options,
                            const AVOutputFormat *container, enum AVPixelFormat source,
                            GError **error);
AVCodecContext *tc_encoder_open (const TcEncoderChoice *choice, const TcOptions *options,
                                 const AVFrame *first, const AVStream *source,
                                 AVRational frame_rate, gboolean global_header, GError **error);
/* The encoder of gst-launch-1.0 that comes nearest. */
char *tc_encoder_describe (const TcEncoderChoice *choice, const TcOptions *options);
int tc_encoder_crf (const AVCodec *codec, const TcOptions *options);

/* ---- audio.c: sound that OUT's container cannot hold as it is -------------------------------- */

typedef struct _TcAudio TcAudio;
typedef gboolean (*TcPacketFunc) (gpointer data, AVPacket *packet, GError **error);

TcAudio *tc_audio_new (const AVStream *source, enum AVCodecID codec, gboolean global_header,
                       GError **error);
void tc_audio_free (TcAudio *audio);
const AVCodecContext *tc_audio_get_encoder (const TcAudio *audio);
/* `packet` NULL: drains. The packets made are in the encoder's time base. */
gboolean tc_audio_push (TcAudio *audio, const AVPacket *packet, TcPacketFunc func, gpointer data,
                        GError **error);

/* ---- output.c ------------------------------------------------------------------------------- */

typedef struct _TcOutput TcOutput;

/* Opens the temporary file and decides what happens to each track. */
TcOutput *tc_output_new (const TcOptions *options, const TcInput *input, GError **error);
/* What is not complete is removed. */
void tc_output_free (TcOutput *output);
const AVOutputFormat *tc_output_get_format (const TcOutput *output);
void tc_output_set_encoder (TcOutput *output, const TcEncoderChoice *choice);
/* Packets of the other tracks, from the main thread; kept until the first frame is encoded. */
gboolean tc_output_add_packet (TcOutput *output, AVPacket *packet, GError **error);
gboolean tc_output_end_packets (TcOutput *output, GError **error);
/* From the encoding thread; NULL drains. */
gboolean tc_output_encode (TcOutput *output, AVFrame *frame, GError **error);
/* Writes the end, makes sure that it is on the disk, and gives the file its name. */
gboolean tc_output_commit (TcOutput *output, GError **error);
gint64 tc_output_count_frames (const TcOutput *output);
void tc_output_get_size (const TcOutput *output, int *width, int *height);

/* ---- tempfile.c ----------------------------------------------------------------------------- */

/* Removed also when a signal ends the program. */
gboolean tc_temp_open (const char *out, char **temp, GError **error);
gboolean tc_temp_commit (const char *temp, const char *out, GError **error);
void tc_temp_discard (void);
/* To be called before any thread is started. */
void tc_signals_init (void);

/* ---- progress.c ----------------------------------------------------------------------------- */

void tc_progress_start (gint64 total);
void tc_progress_frame (gint64 n);
/* Ends a line that is being rewritten in place. */
void tc_progress_clear (void);
double tc_progress_seconds (void);

/* ---- launch.c ------------------------------------------------------------------------------- */

void tc_launch_print (const TcOptions *options, const TcInput *input, const char *middle,
                      const char *encoder, const AVOutputFormat *container);
/* One argument as a shell reads it. */
char *tc_shell_quote (const char *argument);
