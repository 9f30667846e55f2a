/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the command line says. One table lists all options; the parser, --help, the manual page, the
 * completion and the table of README.md come from it (manual.h), so that a new option is a new row.
 *
 * Everything in TcOptions belongs to it. The functions may be called from any thread, those that
 * change a TcOptions while no other uses it.
 */
#pragma once

#include <glib.h>

typedef enum { TC_CHROMA_GUIDED, TC_CHROMA_PLAIN } TcChroma;
typedef enum { TC_AUDIO_COPY, TC_AUDIO_AAC, TC_AUDIO_OPUS, TC_AUDIO_NONE } TcAudioMode;
typedef enum {
  TC_DEINTERLACE_UNTOLD,
  TC_DEINTERLACE_NO,
  TC_DEINTERLACE_YES,
  TC_DEINTERLACE_DOUBLE,
  TC_DEINTERLACE_PULLUP,
  TC_DEINTERLACE_ALL
} TcDeinterlaceMode;
typedef enum { TC_PROGRESS_TEXT, TC_PROGRESS_JSON } TcProgressMode;
/* What is printed instead of doing anything. */
typedef enum {
  TC_PRINT_NOTHING,
  TC_PRINT_HELP,
  TC_PRINT_VERSION,
  TC_PRINT_MAN,
  TC_PRINT_COMPLETION,
  TC_PRINT_TABLE
} TcPrint;

typedef struct {
  char *in, *out;
  char *model; /* NULL: the element's own */
  char *scale;
  char *size;         /* as size.h reads it; NULL: by scale */
  char *codec;        /* NULL: by the container */
  char *pixel_format; /* NULL: nearest to the input's */
  char *preset;
  char *format;          /* of OUT; NULL: by its extension */
  char *rate;            /* of numbered pictures; NULL: 25 */
  int crf;               /* -1: by the codec */
  char *encoder_options; /* as the user wrote them; NULL: none */
  int threads;
  char *stabilize; /* a number from 0 to 1; NULL: 0 */
  char *sharpness; /* a number from -1 to 1; NULL: 0 */
  int chroma;      /* TcChroma */
  int tile_size, tile_overlap;
  int audio;           /* TcAudioMode */
  int deinterlace;     /* TcDeinterlaceMode */
  gint64 frames;       /* 0: all */
  int part_length;     /* seconds; 0: work is not done in parts */
  int encoder_threads; /* 0: as `threads`; not on the command line: parts are to be alike */

  gboolean resume;
  int plan;   /* how many parts to plan; 0: none */
  char *part; /* which part to make, from 0 on, or "auto"; NULL: none */
  gboolean join;
  gboolean dry_run;
  int progress;         /* TcProgressMode */
  int print;            /* TcPrint */
  gboolean one_of_many; /* of a folder's: no launch line */
} TcOptions;

typedef enum {
  TC_OPTION_TEXT,  /* char *: anything but nothing */
  TC_OPTION_NAME,  /* char *: one of the words in `values` */
  TC_OPTION_WORD,  /* int: the index of one of the words in `values` */
  TC_OPTION_INT,   /* int from `min` to `max` */
  TC_OPTION_COUNT, /* gint64 from `min` to `max` */
  TC_OPTION_FLAG,  /* int: becomes `max`; has no value */
} TcOptionKind;

typedef struct {
  const char *name;
  TcOptionKind kind;
  gsize offset;       /* of its field in TcOptions */
  const char *values; /* as shown: words with | in between, or names in capitals */
  gint64 min, max;
  const char *initial; /* the value it has when not given; NULL: that of a cleared field */
  const char *help;    /* a sentence without its capital and its full stop */
  const char *usual;  /* what happens when it is not given, as shown; NULL: `initial`, or nothing */
  gboolean dashes;    /* given as --name rather than name=value */
  gboolean hidden;    /* for the build only */
  gboolean no_matter; /* makes no difference to what is in OUT */
  /* Whether `value`, a text, is one; NULL: any is. */
  gboolean (*check) (const char *value);
} TcOption;

/* Ends with a row without a name. */
const TcOption *tc_options_get_table (void);

/* IN and OUT, then name=value; rows with dashes anywhere, their values behind a = or a blank.
 * `options` is to be cleared in any case. */
gboolean tc_options_parse (TcOptions *options, int argc, char **argv, GError **error);
/* What makes a difference to OUT: name=value with blanks in between, in the order of the table,
 * only what is not as it is without being given.
 * g_shell_parse_argv() takes it apart. To be freed. */
char *tc_options_describe (const TcOptions *options);
/* Sets what such a text has. */
gboolean tc_options_read (TcOptions *options, const char *text, GError **error);
/* The same for another file. */
void tc_options_copy (TcOptions *to, const TcOptions *from, const char *in, const char *out);
void tc_options_clear (TcOptions *options);
