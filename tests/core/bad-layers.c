/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bad lists of layers: each error says what is wrong, and where. */

#include <string.h>

#include "alloc.h"
#include "listed.h"
#include "rfdn.h"
#include "synthetic.h"

#define HEAD "h = conv x head\n"
#define TAIL "r = conv h tail\n"
#define DOWN "d = stride2 h body\np = maxpool d\n"
#define PARTS "s = stack 16\n"

static void
assert_bad (GBytes *bytes, const char *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
  g_assert_null (model);
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_MODEL);
  g_assert_null (strchr (error->message, '\n'));
  if (strstr (error->message, says) == NULL)
    g_error ("'%s' does not say '%s'", error->message, says);
}

static void
test_bad (void)
{
  static const struct {
    const char *layers, *says; /* after the number of the last line */
  } cases[] = {
      /* words */
      {"r", "it should be OUT = OPERATION IN"},
      {"r =", "it should be OUT = OPERATION IN"},
      {"r conv x head", "it should be OUT = OPERATION IN"},
      {"r=conv x head", "'r=conv' is not a map"},
      {"2r = conv x head", "'2r' is not a map"},
      {"r-1 = conv x head", "'r-1' is not a map"},
      {"r\x01\xc2\x85 = copy x", "'r?\?' is not a map"},
      {"r[1:1] = copy x", "'r[1:1]' is not a map"},
      {"r[2:1] = copy x", "'r[2:1]' is not a map"},
      {"r[0:1 = copy x", "'r[0:1' is not a map"},
      {"r[0] = copy x", "'r[0]' is not a map"},
      {"r[-1:1] = copy x", "'r[-1:1]' is not a map"},
      {"r[0:99999999999] = copy x", "is not a map"},
      {"r[0x0:1] = copy x", "is not a map"},
      {"r = conv2 x head", "'conv2' is not an operation; known ones are: stack, conv, depthwise"},
      {"r = conv", "a word is missing: OUT = conv IN TENSORS"},
      {"r = conv x", "a word is missing: OUT = conv IN TENSORS"},
      {"r = conv x act=relu", "a word is missing: OUT = conv IN TENSORS"},
      {"r = copy", "a word is missing: OUT = copy IN"},
      {"r = softmax x", "a word is missing: OUT = softmax IN N"},
      {"r = stack", "a word is missing: OUT = stack N"},
      {"r = stack 0", "'0' is not a number from 1 to 1024"},
      {"r = stack 1025", "'1025' is not a number from 1 to 1024"},
      {"r = stack +3", "'+3' is not a number"},
      {"r = softmax x 1.5", "'1.5' is not a number"},
      {"r = copy x head", "'head' is no option"},
      {"r = copy x size=3", "'size=3' is no option"},
      {"r = copy x =3", "'=3' is no option"},
      {"r = copy x act=relu act=relu", "act= is there twice"},
      {"r = copy x rows=0:1", "copy takes no rows="},
      {"r = copy x bias=no", "copy takes no bias="},
      {"r = depthwise x head columns=0:1", "depthwise takes no columns="},
      {"r = stride2 x head rows=0:1", "stride2 takes no rows="},
      {"r = stack 3 pad=edge", "stack takes no pad="},
      {"r = conv x head bias=yes", "'bias=yes': bias= takes no"},
      {"r = conv x head rows=3", "'rows=3': rows= takes A:B"},
      {"r = conv x head rows=3:3", "'rows=3:3': rows= takes A:B"},
      {"r = conv x head columns=:3", "'columns=:3': columns= takes A:B"},
      {"r = copy x pad=zero", "'pad=zero': pad= takes edge or mirror"},
      {"r = copy x act=", "'act=': act= takes relu, leaky:SLOPE"},
      {"r = copy x act=swish", "'act=swish': act= takes relu, leaky:SLOPE"},
      {"r = copy x act=hardswish:1", "'act=hardswish:1': act= takes relu"},
      {"r = copy x act=relu:1", "'act=relu:1': act= takes relu"},
      {"r = copy x act=leaky", "'act=leaky': act= takes"},
      {"r = copy x act=leaky:", "'act=leaky:': act= takes"},
      {"r = copy x act=leaky:0.1:2", "'act=leaky:0.1:2': act= takes"},
      {"r = copy x act=leaky:.5", "'act=leaky:.5': act= takes"},
      {"r = copy x act=leaky:+1", "act= takes"},
      {"r = copy x act=leaky:01", "act= takes"},
      {"r = copy x act=leaky:1.", "act= takes"},
      {"r = copy x act=leaky:1e", "act= takes"},
      {"r = copy x act=leaky:0x1", "act= takes"},
      {"r = copy x act=leaky:0,5", "act= takes"},
      {"r = copy x act=elu:nan", "act= takes"},
      {"r = copy x act=elu:inf", "act= takes"},
      {"r = copy x act=elu:1e39", "act= takes"},
      {"r = copy x act=elu:-1e999", "act= takes"},
      {"r = copy x act=clip:1", "act= takes"},
      {"r = copy x act=clip:1:0", "act= takes"},
      {"r = copy x act=clip:0:1:2", "act= takes"},
      {"r = copy x act=prelu", "act= takes"},
      {"r = copy x act=prelu:", "act= takes"},
      {"r = copy x add=", "'add=': add= takes a map"},
      {"r = copy x times=sigmoid:", "times= takes a map, sigmoid:MAP or sigmoid-half:MAP"},
      {"r = copy x times=tanh:x", "'times=tanh:x': times= takes a map"},
      {"r = copy x times=x gate=x", "times= and gate= are both there"},
      /* maps */
      {"r = copy boby", "there is no map 'boby'"},
      {"r = copy r", "there is no map 'r'"},
      {"r = copy x plus=r", "there is no map 'r'"},
      {"r = copy x times=sigmoid:y", "there is no map 'y'"},
      {HEAD "r = copy h[4:9]", "'h[4:9]': 'h' has 8 channels"},
      {HEAD "r = copy h[8:9]", "'h[8:9]': 'h' has 8 channels"},
      {HEAD "r = copy h add=h[7:1000000000]", "'h' has 8 channels"},
      {HEAD "h = conv h mix", "there is a map 'h' already; it can be written again by add="},
      {HEAD "h = conv h mix plus=h", "there is a map 'h' already"},
      {HEAD "h[0:8] = conv h mix add=h", "'h' is not a stack"},
      {HEAD "h[0:4] = conv h mix add=h rows=0:4",
       "add= is 8 channels of 'h', and the layer makes 4"},
      {HEAD "x = conv h mix add=x", "there is a map 'x' already"},
      {HEAD "h = stack 8", "there is a map 'h' already"},
      {"x = copy x", "there is a map 'x' already"},
      {"r[0:1] = copy x", "there is no stack 'r'"},
      {"s[0:1] = stack 8", "'s' has to be made whole, not as a slice"},
      {PARTS "r = copy s", "channel 0 of 's' is read before it is written"},
      {PARTS "s[0:1] = copy x\ns[2:3] = copy x\nr = copy s[0:3]",
       "channel 1 of 's' is read before it is written"},
      {PARTS "s[0:1] = copy s[0:1]", "channel 0 of 's' is read before it is written"},
      {PARTS "s[0:1] = copy x\ns[0:1] = copy x", "channel 0 of 's' is written already"},
      {PARTS "s[3:4] = copy x\ns[0:8] = conv x head", "channel 3 of 's' is written already"},
      {PARTS "s[3:4] = copy x\ns[3:4] = copy x add=s[3:4]", "channel 3 of 's' is written already"},
      {PARTS "s[8:17] = copy x", "'s[8:17]': 's' has 16 channels"},
      {PARTS "s[0:7] = conv x head", "the layer makes 8 channels, and 's' takes 7 of them"},
      {PARTS "s = conv x head", "the layer makes 8 channels, and 's' takes 16 of them"},
      {PARTS "s[0:1] = copy x\ns[1:2] = mean x", "the slices of 's' are not of the same size"},
      {PARTS "s[0:1] = copy x\ns[1:2] = copy x pad=edge", "do not say the same pad="},
      {PARTS "s[0:1] = copy x pad=mirror\ns[1:2] = copy x pad=edge", "do not say the same pad="},
      {"r = conv x wide", "'r' would have 1025 channels; a map has 1 to 1024"},
      /* tensors */
      {"r = conv x no", "tensor 'no.weight' is missing"},
      {"r = conv x \xc2\x85", "tensor '?.weight' is missing"},
      {"r = conv x slopes", "tensor 'slopes.weight' is missing"},
      {"r = copy x act=prelu:no", "tensor 'no' is missing"},
      {HEAD "r = conv h head", "tensor head.weight takes 1 channels, and 'h' has 8"},
      {HEAD "r = conv h body columns=0:4", "tensor body.weight takes 4 channels, and 'h' has 8"},
      {HEAD "r = conv h[0:4] body columns=5:9", "columns=5:9: there are 8 in tensor body.weight"},
      {HEAD "r = conv h body rows=7:9", "rows=7:9: there are 8 in tensor body.weight"},
      {HEAD "r = conv h body rows=8:9", "rows=8:9: there are 8 in tensor body.weight"},
      {HEAD "r = depthwise h body", "tensor body.weight takes 8 channels; of depthwise it is 1"},
      {HEAD "r = depthwise h[0:4] deep", "tensor deep.weight is for 8 channels, and 'h' has 4"},
      {HEAD "r = depthwise h deep rows=0:4", "tensor deep.weight is for 4 channels, and 'h' has 8"},
      {HEAD "r = stride2 h mix", "the filters of tensor mix.weight are 1 x 1, not 3 x 3"},
      {HEAD "r = stride2 h oblong", "the filters of tensor oblong.weight are 5 x 3, not 3 x 3"},
      {HEAD "r = stride2 h[0:4] body", "tensor body.weight takes 8 channels, and 'h' has 4"},
      {HEAD "r = conv h even", "tensor even.weight have sides of 2 and 2"},
      {HEAD "r = conv h long", "tensor long.weight have sides of 1 and 11; odd ones up to 9"},
      {HEAD "r = conv h flat", "tensor flat.weight is 8x8; filters are"},
      {HEAD "r = conv h empty", "tensor empty.weight is 0x8x1x1; filters are"},
      {HEAD "r = conv h nan", "tensor nan.weight holds a number that is not finite"},
      {HEAD "r = conv h sick", "tensor sick.bias holds a number that is not finite"},
      {HEAD "r = conv h odd", "tensor odd.bias has 7 numbers for 8 filters"},
      {HEAD "r = copy h act=prelu:few", "tensor few has 3 slopes for 8 channels"},
      {HEAD "r = copy h act=prelu:nans", "tensor nans holds a number that is not finite"},
      {HEAD "r = softmax h 3", "'h' has 8 channels; softmax of 3 takes a multiple of 6"},
      {HEAD "r = softmax h 8", "'h' has 8 channels; softmax of 8 takes a multiple of 16"},
      /* channels and grids */
      {HEAD "r = conv h tail add=h", "add= is 8 channels of 'h', and the layer makes 4"},
      {HEAD "r = conv h tail plus=h[0:2]", "plus= is 2 channels of 'h', and the layer makes 4"},
      {HEAD "r = conv h tail times=h", "times= is 8 channels of 'h', and the layer makes 4"},
      {HEAD "m = mean h\nr = conv h tail gate=m",
       "gate= is 8 channels of 'm', and the layer makes"},
      {HEAD "m = mean h\nr = conv m body",
       "tensor body.weight are 3 x 3; for a map of one pixel they are 1 x 1"},
      {HEAD "m = mean h\nr = depthwise m deep",
       "'m' is a map of one pixel, which depthwise does not"},
      {HEAD "m = mean h\nr = softmax m 1",
       "'m' is a map of one pixel, which softmax does not take"},
      {HEAD "m = mean h\nr = mean m", "'m' is a map of one pixel, which mean does not take"},
      {HEAD "m = mean h\nr = copy h add=m",
       "add= of a map of the picture: 'm' is a map of one pixel"},
      {HEAD "m = mean h\nr = copy h plus=m", "plus= of a map of the picture: 'm' is a map of one"},
      {HEAD "m = mean h\nr = copy m times=h",
       "times= of a map of one pixel: 'h' is a map of the pic"},
      {HEAD "m = mean h pad=edge", "'m' is a map of one pixel, which no pad= is known for"},
      {HEAD "m = mean h\nr = copy h up=m",
       "up= of a map of the picture: 'm' is a map of one pixel"},
      {HEAD "r = copy h up=h", "up= of a map of the picture: 'h' is a map of the picture"},
      {HEAD "r = maxpool h", "'h' is a map of the picture, which maxpool does not take"},
      {HEAD "d = stride2 h body pad=edge", "'d' is a map of stride2, which no pad= is known for"},
      {HEAD "d = stride2 h body\nr = conv d body",
       "'d' is a map of stride2, which conv does not take"},
      {HEAD "d = stride2 h body\nr = copy d", "'d' is a map of stride2, which copy does not take"},
      {HEAD "d = stride2 h body\nr = stride2 h body add=d",
       "add= of a map of stride2: 'd' is a map"},
      {HEAD DOWN "r = conv p square", "5 x 5; for a map of maxpool they are 1 x 1 or 3 x 3"},
      {HEAD DOWN "r = conv p oblong", "5 x 3; for a map of maxpool they are 1 x 1 or 3 x 3"},
      {HEAD DOWN "r = stride2 p body", "'p' is a map of maxpool, which stride2 does not take"},
      {HEAD DOWN "r = conv p body add=h", "add= of a map of maxpool: 'h' is a map of the picture"},
      {HEAD DOWN "r = conv p body up=p", "up= of a map of maxpool: 'p' is a map of maxpool"},
      {HEAD DOWN "r = copy h up=p[0:1]", "up= is 1 channels of 'p', and the layer makes 8"},
      {HEAD DOWN "r = copy h times=p", "times= of a map of the picture: 'p' is a map of maxpool"},
      /* the result */
      {HEAD, "the last line makes 8 channels; scale, unshuffle and colour ask for 4"},
      {HEAD TAIL "s = stack 4", "the last line has no result"},
      {HEAD "r = mean h[0:4]", "the last line's result is not a map of the picture"},
  };

  g_test_message ("%zu kinds", G_N_ELEMENTS (cases));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *end = cases[i].layers + strlen (cases[i].layers) - 1;
    guint line = 1;
    for (const char *c = cases[i].layers; c < end; c++)
      line += *c == '\n';
    g_autofree char *says = g_strdup_printf ("layers, line %u: ", line);
    g_autoptr (GBytes) bytes = listed_file_new (cases[i].layers, NULL);
    assert_bad (bytes, says);
    assert_bad (bytes, cases[i].says);
  }
}

/* Errors that are not in the last line, or in no line. */
static void
test_elsewhere (void)
{
  static const struct {
    const char *layers, *says;
  } cases[] = {
      {"", "metadata layers are empty"},
      {" \n#\n", "metadata layers are empty"},
      {HEAD "a = copy h\n" TAIL, "layers, line 2: the result does not need it"},
      {HEAD "a = copy h\nb = copy a\n\n" TAIL, "layers, line 3: the result does not need it"},
      {HEAD "a = stride2 h body\n" TAIL, "layers, line 2: the result does not need it"},
      {HEAD PARTS "s[0:8] = copy h\na = copy s[0:8]\ns[8:16] = copy h\nr = conv a tail",
       "layers, line 5: the result does not need it"},
      {HEAD "a = copy boby\n" TAIL, "layers, line 2: there is no map 'boby'"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = listed_file_new (cases[i].layers, NULL);
    assert_bad (bytes, cases[i].says);
  }
}

static void
test_bad_metadata (void)
{
  static const struct {
    const char *key, *text, *says;
  } cases[] = {
      {"scale", NULL, "metadata scale is missing: 1 to 8"},
      {"scale", "0", "metadata scale is '0'; it should be 1 to 8"},
      {"scale", "9", "metadata scale is '9'"},
      {"scale", "2.0", "metadata scale is '2.0'"},
      {"scale", "3", "the last line makes 4 channels; scale, unshuffle and colour ask for 9"},
      {"colour", NULL, "metadata colour is missing: rgb or luma"},
      {"colour", "yuv", "metadata colour is 'yuv'"},
      {"colour", "rgb", "tensor head.weight takes 1 channels, and 'x' has 3"},
      {"input_range", "0", "metadata input_range is '0'; it should be a number above 0"},
      {"input_range", "-1", "metadata input_range is '-1'"},
      {"input_range", "inf", "metadata input_range is 'inf'; it should be 1 number"},
      {"input_range", "1 2", "metadata input_range is '1 2'"},
      {"input_range", "", "metadata input_range is ''"},
      {"input_range", "1e-50", "metadata input_range is '1e-50'"},
      {"mean", "0 0 0", "metadata mean is '0 0 0'"},
      {"mean", "x", "metadata mean is 'x'"},
      {"gain", "0", "metadata gain is '0'"},
      {"gain", "1e-60", "metadata gain is '1e-60'"},
      {"gain", "1e60", "metadata gain is '1e60'"},
      {"clip", "0", "metadata clip is '0'; it should be 2 numbers"},
      {"clip", "1 0", "metadata clip is '1 0'; it should be the lower bound"},
      {"clip", "0 1 2", "metadata clip is '0 1 2'"},
      {"unshuffle", "0", "metadata unshuffle is '0'; it should be 1 to 4"},
      {"unshuffle", "5", "metadata unshuffle is '5'"},
      {"unshuffle", "2", "tensor head.weight takes 1 channels, and 'x' has 4"},
      {"extend", "33", "metadata extend is '33'; it should be 0 to 32"},
      {"extend", "-1", "metadata extend is '-1'"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *const more[] = {cases[i].key, cases[i].text, NULL};
    g_autoptr (GBytes) bytes = listed_file_new (HEAD TAIL, more);
    assert_bad (bytes, cases[i].says);
  }
  static const char *const rgb[] = {"colour", "rgb", "mean", "1 2", NULL};
  g_autoptr (GBytes) two = listed_file_new (HEAD TAIL, rgb);
  assert_bad (two, "metadata mean is '1 2'; it should be 1 or 3 numbers");
  static const char *const cells[] = {"unshuffle", "2", "extend", "7", NULL};
  g_autoptr (GBytes) both = listed_file_new (HEAD TAIL, cells);
  assert_bad (both, "metadata extend is '7'; it should be 0 where the picture is unshuffled");

  g_autoptr (GBytes) none = synthetic_file_new (NULL, 0, "{}");
  assert_bad (none, "convert it with models/convert.py FILE OUT.safetensors");
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void
assert_bad_list (const GString *list, const char *says)
{
  g_autoptr (GBytes) bytes = listed_file_new (list->str, NULL);
  assert_bad (bytes, says);
}

static void
test_long (void)
{
  g_autoptr (GString) text = g_string_new (HEAD TAIL "#");
  while (text->len < 131072)
    g_string_append_c (text, 'x');
  g_autoptr (GBytes) most = listed_file_new (text->str, NULL);
  g_autoptr (RfdnModel) model = rfdn_model_new (most, NULL);
  g_assert_nonnull (model);
  g_string_append_c (text, 'x');
  assert_bad_list (text, "metadata layers has more than 131072 bytes");

  g_autoptr (GString) many = g_string_new (NULL);
  for (guint i = 0; i < 2046; i++)
    g_string_append (many, "x = copy x add=x\n\n");
  g_string_append (many, HEAD TAIL);
  g_autoptr (GBytes) all = listed_file_new (many->str, NULL);
  g_autoptr (RfdnModel) deep = rfdn_model_new (all, NULL);
  g_assert_nonnull (deep);
  g_string_append (many, "r = copy r add=r");
  assert_bad_list (many, "layers, line 4095: more than 2048 layers");

  g_autoptr (GString) name = g_string_new (NULL);
  while (name->len < 129)
    g_string_append_c (name, 'n');
  g_string_append (name, " = conv x head");
  assert_bad_list (name, "is not a map: write NAME");
}

/* A line can make many channels from a tensor of 4 kB. */
static void
test_channels (void)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < 127; i++)
    g_string_append_printf (list, "m%u = conv x fan\n", i);
  g_string_append (list, "m127 = conv x fan rows=0:1023\n");
  /* The limit itself is allowed: the error is that they do not fit the result. */
  assert_bad_list (list, "layers, line 128: the last line makes 1023 channels");
  g_string_append (list, "m128 = copy x");
  assert_bad_list (list, "layers, line 129: all maps together have more than 131072 channels");
}

/* A tensor can be named once a line. */
static void
test_weights (void)
{
  static const guint n = 512 * 512 * 9;
  g_autofree float *values = g_new0 (float, n);
  const SyntheticTensor tensors[] = {{"a.weight", 4, {512, 512, 3, 3}, values},
                                     {"b.weight", 4, {512, 1, 1, 1}, values},
                                     {"c.weight", 4, {1, 512, 1, 1}, values}};
  g_autoptr (GString) metadata =
      g_string_new ("{\"colour\":\"luma\",\"scale\":\"1\",\"layers\":\"m = conv x b\\n");

  for (guint i = 0; i < 29; i++)
    g_string_append_printf (metadata, "m%u = conv m a\\n", i);
  g_string_append (metadata, "\"}");
  g_autoptr (GBytes) bytes = synthetic_file_new (tensors, G_N_ELEMENTS (tensors), metadata->str);
  /* 28 times 512 x 512 x 9, and 512, are below 2^26. */
  assert_bad (bytes, "layers, line 30: the layers so far have more than 67108864 weights");
}

/* ---- memory ---------------------------------------------------------------------------------- */

static guint n_left;

static gboolean
is_there_memory (void)
{
  return n_left > 0 && n_left-- > 0;
}

/* Whichever allocation fails, the error is that there is no memory, and nothing leaks (which the
 * address sanitizer sees). */
static void
test_memory (void)
{
  static const char *const clip[] = {"clip", "0 1", NULL};
  g_autoptr (GBytes) bytes = listed_file_new (
      HEAD "a = conv h mix act=prelu:slopes plus=h\nr = conv a tail act=tanh", clip);
  gboolean loaded = FALSE;
  guint n = 0;

  for (; !loaded; n++) {
    g_autoptr (GError) error = NULL;
    n_left = n;
    rfdn_alloc_set_hook (is_there_memory);
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
    rfdn_alloc_set_hook (NULL);
    loaded = model != NULL;
    if (!loaded)
      g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY);
  }
  g_test_message ("%u allocations", n);
  g_assert_cmpuint (n, >, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bad-layers/lists", test_bad);
  g_test_add_func ("/bad-layers/elsewhere", test_elsewhere);
  g_test_add_func ("/bad-layers/metadata", test_bad_metadata);
  g_test_add_func ("/bad-layers/long", test_long);
  g_test_add_func ("/bad-layers/channels", test_channels);
  g_test_add_func ("/bad-layers/weights", test_weights);
  g_test_add_func ("/bad-layers/memory", test_memory);
  return g_test_run ();
}
