/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manual.h"
#include "message.h"

#include <gst/gst.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <stdio.h>
#include <string.h>

#define WIDTH 80  /* of --help */
#define INDENT 28 /* where its explanations begin */

static const char about[] = "Enlarges the video IN into OUT, whose extension chooses the container "
                            "(mkv, mp4, mov, webm, ts, ...). Sound, subtitles, chapters and tags "
                            "are kept; a line says what cannot be kept.";

/* What the manual lists. */
typedef struct {
  const char *name, *what;
} Entry;

static const Entry examples[] = {
    {"rfdn-transcode clip.mkv large.mkv", "twice as large, the rest as it was"},
    {"rfdn-transcode clip.mkv large.mp4 codec=hevc crf=20 preset=slow", "as HEVC, smaller"},
};

static const Entry statuses[] = {
    {"0", "OUT is there, whole."},
    {"1", "It failed, and one line says why; there is no OUT."},
    {"75", "SIGTERM stopped a job in parts, which --resume goes on with."},
    {"128 and more", "A signal stopped it, 128 and its number; there is no OUT."},
};

static const Entry variables[] = {
    {"RFDN_CPU", "Forces an instruction set: scalar, sse2, avx2, avx-vnni, avx512, avx512-vnni or "
                 "neon; one that the processor lacks is an error. Empty or auto: the best there "
                 "is."},
    {"SLURM_ARRAY_TASK_ID", "With --part=auto, the part to make, counted from 0."},
    {"PARALLEL_SEQ",
     "The same where SLURM_ARRAY_TASK_ID is not set, counted from 1, as GNU parallel does."},
    {"GST_PLUGIN_PATH", "Folders in which GStreamer looks for the plugin first, separated by "
                        "colons."},
    {"GST_DEBUG", "What GStreamer logs to stderr, such as rfdnupscale:5."},
};

static const Entry files[] = {
    {".OUT.part", "Beside OUT: what is written, until it is complete and gets its name; for "
                  "numbered pictures a folder."},
    {"OUT.parts/manifest.json", "How a job is cut into parts, and what all of them have in common: "
                                "the input, options, model, plugin and encoder."},
    {"OUT.parts/K.nut, OUT.parts/K.json",
     "Part K, counted from 00000, and its record, which is written last. The folder is removed "
     "once OUT is complete."},
};

/* All that --progress=json can say. */
static const Entry objects[] = {
    {"progress",
     "once a second and at the end: frame and seconds (numbers, so far), fps, and where "
     "they are known frames (how many there will be), seconds-left and file (of a "
     "folder's)"},
    {"note", "text: something that should be known, such as what is lost or what a signal does"},
    {"error", "text: why it failed, or which signal stopped it"},
    {"done", "file, frames, width, height, seconds, fps, and text where there is something to be "
             "known"},
    {"launch", "text: the line of gst-launch-1.0, where OUT is stdout; else it is on stdout, as it "
               "is"},
    {"log", "text: a line that a library wrote"},
};

/* ---- --help --------------------------------------------------------------------------------- */

static char *
as_given (const TcOption *row)
{
  if (row->kind == TC_OPTION_FLAG)
    return g_strdup_printf ("--%s", row->name);
  return g_strdup_printf ("%s%s=%s", row->dashes ? "--" : "", row->name, row->values);
}

/* What happens when it is not given, or NULL. */
static const char *
usual_of (const TcOption *row)
{
  const char *usual = row->usual != NULL ? row->usual : row->initial;

  return usual != NULL && usual[0] != '\0' ? usual : NULL;
}

/* Breaks `text` into lines; the first one begins at `column`. */
static void
print_wrapped (const char *text, int column, int indent)
{
  char **words = g_strsplit (text, " ", -1);

  for (int i = 0; words[i] != NULL; i++) {
    int length = (int) strlen (words[i]);

    if (column > indent && column + 1 + length > WIDTH) {
      printf ("\n%*s", indent, "");
      column = indent;
    } else if (i > 0 && column > indent) {
      putchar (' ');
      column++;
    }
    fputs (words[i], stdout);
    column += length;
  }
  putchar ('\n');
  g_strfreev (words);
}

static void
print_help (void)
{
  printf ("Usage: " TC_NAME " IN OUT [key=value ...] [--flag ...]\n\n");
  print_wrapped (about, 0, 0);
  for (int dashes = 0; dashes < 2; dashes++) {
    putchar ('\n');
    for (const TcOption *row = tc_options_get_table (); row->name != NULL; row++) {
      char *given = as_given (row), *text;

      if (row->dashes == dashes && !row->hidden) {
        text = usual_of (row) == NULL ? g_strdup (row->help)
                                      : g_strdup_printf ("%s (%s)", row->help, usual_of (row));
        printf ("  %-*s", INDENT - 2, given);
        if (strlen (given) >= INDENT - 3)
          printf ("\n%*s", INDENT, "");
        print_wrapped (text, INDENT, INDENT);
        g_free (text);
      }
      g_free (given);
    }
  }
}

static void
print_version (void)
{
  unsigned format = avformat_version (), codec = avcodec_version ();
  char *gst = gst_version_string ();

  printf (TC_NAME " " TC_VERSION "\n%s, libavformat %u.%u.%u, libavcodec %u.%u.%u\n", gst,
          AV_VERSION_MAJOR (format), AV_VERSION_MINOR (format), AV_VERSION_MICRO (format),
          AV_VERSION_MAJOR (codec), AV_VERSION_MINOR (codec), AV_VERSION_MICRO (codec));
  g_free (gst);
}

/* ---- the manual page ------------------------------------------------------------------------ */

/* Text as roff takes it. */
static void
print_roff (const char *text)
{
  if (text[0] == '.' || text[0] == '\'')
    fputs ("\\&", stdout);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '\\')
      fputs ("\\e", stdout);
    else if (*c == '-')
      fputs ("\\-", stdout);
    else
      putchar (*c);
  }
}

static void
print_option_roff (const TcOption *row)
{
  const char *usual = usual_of (row);

  printf (".TP\n.B ");
  if (row->dashes)
    print_roff ("--");
  print_roff (row->name);
  if (row->kind != TC_OPTION_FLAG) {
    /* Words stand for themselves, what is in capitals for something else. */
    printf ("=\\fI");
    print_roff (row->values);
    printf ("\\fR");
  }
  putchar ('\n');
  putchar (g_ascii_toupper (row->help[0]));
  print_roff (row->help + 1);
  if (usual != NULL) {
    printf (" (default: ");
    print_roff (usual);
    putchar (')');
  }
  printf (".\n");
}

static void
print_entries_roff (const Entry *entries, guint n)
{
  for (guint i = 0; i < n; i++) {
    printf (".TP\n.B ");
    print_roff (entries[i].name);
    putchar ('\n');
    print_roff (entries[i].what);
    putchar ('\n');
  }
}

static void
print_man (void)
{
  printf (".TH RFDN-TRANSCODE 1 \"\" \"gst-rfdn " TC_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nrfdn\\-transcode \\- enlarge a video with a neural network\n"
          ".SH SYNOPSIS\n.B rfdn\\-transcode\n"
          ".I IN OUT\n[\\fIkey\\fB=\\fIvalue\\fR ...] [\\fB\\-\\-\\fIflag\\fR ...]\n"
          ".SH DESCRIPTION\n");
  print_roff (about);
  printf ("\n.SH OPTIONS\n");
  for (const TcOption *row = tc_options_get_table (); row->name != NULL; row++)
    if (!row->hidden)
      print_option_roff (row);
  printf (".SH EXIT STATUS\n");
  print_entries_roff (statuses, G_N_ELEMENTS (statuses));
  printf (".SH OUTPUT\nWith\n.B \\-\\-progress=json\nall that is written to stderr is JSON, an "
          "object a "
          "line, whose member type tells what others it has:\n");
  print_entries_roff (objects, G_N_ELEMENTS (objects));
  printf (".SH ENVIRONMENT\n");
  print_entries_roff (variables, G_N_ELEMENTS (variables));
  printf (".SH FILES\n");
  print_entries_roff (files, G_N_ELEMENTS (files));
  printf (".SH EXAMPLES\n");
  print_entries_roff (examples, G_N_ELEMENTS (examples));
  printf (".SH SEE ALSO\n.BR ffmpeg (1),\n.BR gst\\-launch\\-1.0 (1)\n");
}

/* ---- completion ----------------------------------------------------------------------------- */

/* The words that can be completed: those in capitals stand for something else. */
static char *
words_of (const TcOption *row)
{
  char **values = g_strsplit (row->values != NULL ? row->values : "", "|", -1);
  GString *text = g_string_new (NULL);

  for (int i = 0; values[i] != NULL; i++)
    if (values[i][0] != '\0' && strpbrk (values[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ%") == NULL)
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", values[i]);
  g_strfreev (values);
  return g_string_free (text, FALSE);
}

static void
print_names (gboolean dashes)
{
  for (const TcOption *row = tc_options_get_table (); row->name != NULL; row++)
    if (row->dashes == dashes && !row->hidden)
      printf (" %s%s%s", dashes ? "--" : "", row->name, row->kind == TC_OPTION_FLAG ? "" : "=");
}

static void
print_completion (void)
{
  /* bash breaks words at each =, so that a key, its = and its value are words of their own. */
  fputs ("# bash completion for rfdn-transcode\n"
         "_rfdn_transcode() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} key='' words=''\n"
         "  if [[ $cur == = ]]; then\n"
         "    key=${COMP_WORDS[COMP_CWORD - 1]} cur=\n"
         "  elif [[ $COMP_CWORD -gt 2 && ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then\n"
         "    key=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "  fi\n"
         "  case $key in\n",
         stdout);
  for (const TcOption *row = tc_options_get_table (); row->name != NULL; row++) {
    char *words = words_of (row);

    if (words[0] != '\0' && !row->hidden)
      printf ("    %s%s) words='%s' ;;\n", row->dashes ? "--" : "", row->name, words);
    g_free (words);
  }
  fputs ("    '') if [[ $cur == -* ]]; then\n        words='", stdout);
  print_names (TRUE);
  fputs ("'\n      elif [[ $COMP_CWORD -gt 2 ]]; then\n        words='", stdout);
  print_names (FALSE);
  /* Without an answer bash completes names of files: IN, OUT, and models. */
  fputs ("'\n"
         "      fi ;;\n"
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "  [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
         "}\n"
         "complete -o default -F _rfdn_transcode rfdn-transcode transcode.sh\n",
         stdout);
}

/* ---- the table of README.md ----------------------------------------------------------------- */

static void
print_table (void)
{
  printf ("| option | what it does | default |\n|---|---|---|\n");
  for (const TcOption *row = tc_options_get_table (); row->name != NULL; row++) {
    char *given = as_given (row), **parts = g_strsplit (given, "|", -1),
         *escaped = g_strjoinv ("\\|", parts);

    if (!row->hidden)
      printf ("| `%s` | %s | %s |\n", escaped, row->help,
              usual_of (row) != NULL ? usual_of (row) : "");
    g_free (given);
    g_strfreev (parts);
    g_free (escaped);
  }
}

void
tc_manual_print (TcPrint what)
{
  switch (what) {
  case TC_PRINT_HELP:
    print_help ();
    break;
  case TC_PRINT_VERSION:
    print_version ();
    break;
  case TC_PRINT_MAN:
    print_man ();
    break;
  case TC_PRINT_COMPLETION:
    print_completion ();
    break;
  case TC_PRINT_TABLE:
    print_table ();
    break;
  default:
    break;
  }
}
