/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks as lists of layers: the graph made from a list, and its result. Bad lists are in
 * bad-layers.c. */

#include "arch/arch.h"

#include <math.h>
#include <string.h>

#include "listed.h"
#include "picture.h"
#include "synthetic.h"

static RfdnGraph *
read_graph (const char *layers, const char *const *more, RfdnArchShape *shape)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = listed_file_new (layers, more);
  g_autoptr (RfdnTensorFile) file = rfdn_tensor_file_new (bytes, &error);
  g_assert_no_error (error);
  memset (shape, 0, sizeof *shape);
  RfdnGraph *graph = rfdn_arch_layers.read (file, shape, &error);
  g_assert_no_error (error);
  return graph;
}

/* ---- good lists ------------------------------------------------------------------------------ */

static void
append_slice (GString *text, const char *what, RfdnSlice slice)
{
  if (slice.n > 0)
    g_string_append_printf (text, " %s%u[%u:%u]", what, slice.activation, slice.first,
                            slice.first + slice.n);
}

/* A layer in one line. */
static void
append_layer (GString *text, const RfdnGraph *graph, const RfdnLayer *layer)
{
  static const struct {
    const RfdnOp *op;
    const char *name;
  } ops[] = {
      {&rfdn_op_conv, "conv"},        {&rfdn_op_conv1x1, "1x1"},
      {&rfdn_op_conv3x3, "3x3"},      {&rfdn_op_conv3x3_stride2, "stride2"},
      {&rfdn_op_copy, "copy"},        {&rfdn_op_depthwise, "depthwise"},
      {&rfdn_op_max_pool, "maxpool"}, {&rfdn_op_mean, "mean"},
      {&rfdn_op_mean_std, "meanstd"}, {&rfdn_op_softmax, "softmax"},
  };
  static const char *const grids[] = {"", " half", " pooled", " point"};
  static const char *const borders[] = {"", " edge", " mirror"};
  static const char *const kinds[] = {"leaky", "prelu",   "silu",      "elu", "gelu",
                                      "tanh",  "sigmoid", "hardswish", "clip"};
  static const char *const products[] = {"times ", "sigmoid ", "sigmoid-half ", "gate "};
  const RfdnActivation *out = rfdn_graph_activation (graph, layer->out.activation);
  const RfdnFunction *f = &layer->function;
  G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == RFDN_FUNCTION_CLIP + 1);
  guint i = 0;

  while (ops[i].op != layer->op)
    i++;
  g_string_append (text, ops[i].name);
  if (layer->kernel_width > 0)
    g_string_append_printf (text, " %ux%u", layer->kernel_width, layer->kernel_height);
  append_slice (text, "", layer->in);
  append_slice (text, "-> ", layer->out);
  g_string_append_printf (text, "%s%s", grids[out->grid], borders[out->border]);
  append_slice (text, "add ", layer->add);
  if (f->kind != RFDN_FUNCTION_LEAKY || f->a != 1)
    g_string_append_printf (text, " %s %g %g", kinds[f->kind], f->a, f->b);
  append_slice (text, "plus ", layer->plus);
  append_slice (text, "up ", layer->upsampled);
  append_slice (text, products[layer->product], layer->times);
  g_string_append_c (text, '\n');
}

static void
assert_graph (const char *layers, const char *const *metadata, const char *says)
{
  RfdnArchShape shape;
  g_autoptr (RfdnGraph) graph = read_graph (layers, metadata, &shape);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < graph->layers->len; i++)
    append_layer (text, graph, rfdn_graph_layer (graph, i));
  g_assert_cmpstr (text->str, ==, says);
}

#define HEAD "h = conv x head\n"
#define TAIL "r = conv h tail\n"
#define HEAD_SAYS "3x3 0[0:1] -> 1[0:8]\n"
#define DOWN "d = stride2 h body\np = maxpool d\n"
#define DOWN_SAYS "stride2 1[0:8] -> 2[0:8] half\nmaxpool 2[0:8] -> 3[0:8] pooled\n"
#define PARTS "s = stack 16\n"

static void
test_good (void)
{
  static const struct {
    const char *layers, *says;
  } cases[] = {
      {"r = conv x head rows=0:4", "3x3 0[0:1] -> 1[0:4]\n"},
      {HEAD TAIL, HEAD_SAYS "3x3 1[0:8] -> 2[0:4]\n"},
      {"\n# a network\n\th =\tconv  x head#act=relu\n\n" TAIL "\r\n#",
       HEAD_SAYS "3x3 1[0:8] -> 2[0:4]\n"},
      {"x1 = conv x head\r\n_ = conv x1 mix\r\nr = conv _ tail",
       HEAD_SAYS "1x1 1[0:8] -> 2[0:8]\n3x3 2[0:8] -> 3[0:4]\n"},
      {HEAD "a = conv h oblong\nr = conv a tail",
       HEAD_SAYS "conv 3x5 1[0:8] -> 2[0:8]\n3x3 2[0:8] -> 3[0:4]\n"},
      {HEAD "a = conv h square\nr = conv a tail",
       HEAD_SAYS "conv 5x5 1[0:8] -> 2[0:8]\n3x3 2[0:8] -> 3[0:4]\n"},
      {HEAD "a = depthwise h deep\nb = depthwise a small\nr = conv b tail",
       HEAD_SAYS "depthwise 7x7 1[0:8] -> 2[0:8]\ndepthwise 3x3 2[0:8] -> 3[0:8]\n"
                 "3x3 3[0:8] -> 4[0:4]\n"},
      {HEAD "a = depthwise h[2:5] deep rows=4:7\nr = conv a tail columns=5:8",
       HEAD_SAYS "depthwise 7x7 1[2:5] -> 2[0:3]\n3x3 2[0:3] -> 3[0:4]\n"},
      /* functions */
      {HEAD "r = conv h tail act=relu", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] leaky 0 0\n"},
      {HEAD "r = conv h tail act=leaky:-2.5e-1", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] leaky -0.25 0\n"},
      {HEAD "r = conv h tail act=elu:0.5", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] elu 0.5 0\n"},
      {HEAD "r = conv h tail act=clip:-1:1E0", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] clip -1 1\n"},
      {HEAD "r = conv h tail act=silu", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] silu 0 0\n"},
      {HEAD "r = conv h tail act=gelu", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] gelu 0 0\n"},
      {HEAD "r = conv h tail act=tanh", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] tanh 0 0\n"},
      {HEAD "r = conv h tail act=sigmoid", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] sigmoid 0 0\n"},
      {HEAD "r = conv h tail act=hardswish", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] hardswish 0 0\n"},
      {HEAD "r = conv h tail act=prelu:slope", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] leaky 0.114441 0\n"},
      /* Options act in a fixed order, whatever their order in the line. */
      {HEAD "r = conv h tail plus=x pad=edge act=relu times=h[0:1] add=h[4:8]",
       HEAD_SAYS "3x3 1[0:8] -> 2[0:4] edge add 1[4:8] leaky 0 0 plus 0[0:1] times 1[0:1]\n"},
      {HEAD "r = conv h tail times=sigmoid:h[4:8]",
       HEAD_SAYS "3x3 1[0:8] -> 2[0:4] sigmoid 1[4:8]\n"},
      {HEAD "r = conv h tail times=sigmoid-half:x",
       HEAD_SAYS "3x3 1[0:8] -> 2[0:4] sigmoid-half 0[0:1]\n"},
      {HEAD "sigmoid = copy h\nr = conv h tail times=sigmoid[1:5]",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8]\n3x3 1[0:8] -> 3[0:4] times 2[1:5]\n"},
      {HEAD "r = conv h tail gate=h[0:4]", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] gate 1[0:4]\n"},
      {HEAD "a = copy h pad=mirror\nr = conv a tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8] mirror\n3x3 2[0:8] -> 3[0:4]\n"},
      {HEAD "a = softmax h 2\nr = conv a tail columns=0:2",
       HEAD_SAYS "softmax 1[0:8] -> 2[0:2]\n3x3 2[0:2] -> 3[0:4]\n"},
      /* stacks: those that are read before they are complete become several activations */
      {HEAD PARTS "s[8:16] = copy h\ns[0:8] = conv h mix\na = conv s fuse\nr = conv a tail",
       HEAD_SAYS "copy 1[0:8] -> 2[8:16]\n1x1 1[0:8] -> 2[0:8]\n1x1 2[0:16] -> 3[0:8]\n"
                 "3x3 3[0:8] -> 4[0:4]\n"},
      {HEAD PARTS "s[0:8] = copy h pad=edge\ns[8:16] = conv s[0:8] body pad=edge\na = conv s fuse\n"
                  "r = conv a tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8] edge\n3x3 2[0:8] -> 3[0:8] edge\n"
                 "copy 2[0:8] -> 4[0:8] edge\ncopy 3[0:8] -> 4[8:16] edge\n"
                 "1x1 4[0:16] -> 5[0:8]\n3x3 5[0:8] -> 6[0:4]\n"},
      {HEAD PARTS "s[0:4] = copy h[4:8]\ns[8:16] = conv s[0:4] mix columns=0:4\n"
                  "a = copy s[9:11]\ns[4:8] = copy s[0:4]\nb = conv s fuse\n"
                  "r = conv b tail plus=s[9:10] times=a[1:2]",
       HEAD_SAYS "copy 1[4:8] -> 2[0:4]\n1x1 2[0:4] -> 3[0:8]\ncopy 3[1:3] -> 4[0:2]\n"
                 "copy 2[0:4] -> 5[0:4]\ncopy 2[0:4] -> 6[0:4]\ncopy 5[0:4] -> 6[4:8]\n"
                 "copy 3[0:8] -> 6[8:16]\n1x1 6[0:16] -> 7[0:8]\n"
                 "3x3 7[0:8] -> 8[0:4] plus 6[9:10] times 4[1:2]\n"},
      {HEAD "s = stack 8\ns = copy h\nr = conv s tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8]\n3x3 2[0:8] -> 3[0:4]\n"},
      {HEAD "s = stack 16\ns[4:12] = copy h\nr = conv s[4:12] tail",
       HEAD_SAYS "copy 1[0:8] -> 2[4:12]\n3x3 2[4:12] -> 3[0:4]\n"},
      /* The result is all of a map, whatever the last line writes. */
      {HEAD "s = stack 12\ns[0:8] = copy h\ns[8:12] = conv h tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8]\n3x3 1[0:8] -> 2[8:12]\ncopy 2[8:12] -> 3[0:4]\n"},
      {HEAD "s = stack 12\ns[0:8] = copy h\ns[8:12] = conv s[0:8] tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8]\n3x3 2[0:8] -> 3[0:4]\n"},
      /* For later layers, a sum in place is a new activation. */
      {HEAD "h = conv h mix add=h\nh = conv h[0:8] mix add=h[0:8] plus=h\n" TAIL,
       HEAD_SAYS "1x1 1[0:8] -> 2[0:8] add 1[0:8]\n1x1 2[0:8] -> 3[0:8] add 2[0:8] plus 2[0:8]\n"
                 "3x3 3[0:8] -> 4[0:4]\n"},
      /* the other grids */
      {HEAD DOWN "p2 = conv p body act=relu add=p plus=p[0:1]\na = conv h mix up=p2\n"
                 "b = conv a mix gate=h\nr = conv b tail",
       HEAD_SAYS DOWN_SAYS "3x3 3[0:8] -> 4[0:8] pooled add 3[0:8] leaky 0 0 plus 3[0:1]\n"
                           "1x1 1[0:8] -> 5[0:8] up 4[0:8]\n1x1 5[0:8] -> 6[0:8] gate 1[0:8]\n"
                           "3x3 6[0:8] -> 7[0:4]\n"},
      {HEAD "m = mean h\ns = meanstd h act=relu\nm2 = conv m mix add=s\na = copy h times=m2\n"
            "b = copy a gate=m\nr = conv b tail times=sigmoid:m[3:4]",
       HEAD_SAYS "mean 1[0:8] -> 2[0:8] point\nmeanstd 1[0:8] -> 3[0:8] point leaky 0 0\n"
                 "1x1 2[0:8] -> 4[0:8] point add 3[0:8]\ncopy 1[0:8] -> 5[0:8] times 4[0:8]\n"
                 "copy 5[0:8] -> 6[0:8] gate 2[0:8]\n3x3 6[0:8] -> 7[0:4] sigmoid 2[3:4]\n"},
      {HEAD PARTS "s[0:8] = mean h\ns[8:16] = meanstd h\nm = conv s fuse\na = copy h times=m\n"
                  "r = conv a tail",
       HEAD_SAYS "mean 1[0:8] -> 2[0:8] point\nmeanstd 1[0:8] -> 2[8:16] point\n"
                 "1x1 2[0:16] -> 3[0:8] point\ncopy 1[0:8] -> 4[0:8] times 3[0:8]\n"
                 "3x3 4[0:8] -> 5[0:4]\n"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_graph (cases[i].layers, NULL, cases[i].says);
}

/* `clip` acts last: in the layer that makes the result if possible, else in a layer of its own. */
static void
test_clip (void)
{
  static const char *const clip[] = {"clip", "-0.5 255", NULL};
  static const struct {
    const char *layers, *says;
  } cases[] = {
      {HEAD TAIL, HEAD_SAYS "3x3 1[0:8] -> 2[0:4] clip -0.5 255\n"},
      {HEAD "r = conv h tail add=x", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] add 0[0:1] clip -0.5 255\n"},
      {HEAD "r = conv h tail plus=x", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] plus 0[0:1]\n"
                                                "copy 2[0:4] -> 3[0:4] clip -0.5 255\n"},
      {HEAD "r = conv h tail times=x", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] times 0[0:1]\n"
                                                 "copy 2[0:4] -> 3[0:4] clip -0.5 255\n"},
      {HEAD "r = conv h tail act=relu", HEAD_SAYS "3x3 1[0:8] -> 2[0:4] leaky 0 0\n"
                                                  "copy 2[0:4] -> 3[0:4] clip -0.5 255\n"},
      {HEAD "s = stack 12\ns[0:8] = copy h\ns[8:12] = conv h tail",
       HEAD_SAYS "copy 1[0:8] -> 2[0:8]\n3x3 1[0:8] -> 2[8:12]\n"
                 "copy 2[8:12] -> 3[0:4] clip -0.5 255\n"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_graph (cases[i].layers, clip, cases[i].says);
}

/* `n` weights of a layer equal those of a tensor from `first` on. */
static void
assert_values (const float *values, gsize n, const char *tensor, gsize first)
{
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (values[i], ==,
                       listed_tensor_get_value (listed_tensor_get_number (tensor), first + i));
}

static void
test_weights (void)
{
  RfdnArchShape shape;
  g_autoptr (RfdnGraph) graph = read_graph (HEAD "a = conv h[0:3] body rows=2:6 columns=4:7\n"
                                                 "b = depthwise a deep rows=3:7 bias=no\n"
                                                 "c = conv b tail columns=4:8 rows=1:4\n"
                                                 "d = conv h mix act=prelu:slopes plus=c[1:2]\n"
                                                 "r = conv d tail bias=no",
                                            NULL, &shape);
  const RfdnLayer *layers = graph->layers->data;

  assert_values (layers[0].weights, 72, "head.weight", 0);
  assert_values (layers[0].bias, 8, "head.bias", 0);
  for (gsize o = 0; o < 4; o++)
    assert_values (layers[1].weights + o * 27, 27, "body.weight", ((o + 2) * 8 + 4) * 9);
  g_assert_null (layers[1].bias);
  assert_values (layers[2].weights, 4 * 49, "deep.weight", 3 * 49);
  g_assert_null (layers[2].bias);
  for (gsize o = 0; o < 3; o++)
    assert_values (layers[3].weights + o * 36, 36, "tail.weight", ((o + 1) * 8 + 4) * 9);
  assert_values (layers[3].bias, 3, "tail.bias", 1);
  assert_values (layers[4].bias, 8, "mix.bias", 0);
  assert_values (layers[4].slopes, 8, "slopes", 0);
  g_assert_null (layers[5].bias);
}

static void
test_metadata (void)
{
  static const char *const luma[] = {"unshuffle", "1",    "architecture", "TINY", "extend", "32",
                                     "mean",      " 0.5", "name",         "n",    NULL};
  static const char *const rgb[] = {"colour", "RGB",         "scale", "1",        "unshuffle",
                                    "2",      "input_range", "1023",  "mean",     "1 -2e0\t0.5",
                                    "gain",   "2",           "clip",  "0 1023.5", NULL};
  RfdnArchShape shape;
  g_autoptr (RfdnGraph) small = read_graph (HEAD TAIL, luma, &shape);
  g_assert_cmpuint (small->input.n, ==, 1);
  g_assert_cmpuint (shape.in_channels, ==, 1);
  g_assert_cmpuint (shape.scale, ==, 2);
  g_assert_cmpuint (shape.features, ==, 8);
  g_assert_cmpuint (shape.blocks, ==, 0);
  g_assert_false (shape.attention);
  g_assert_cmpfloat (shape.input_range, ==, 1);
  g_assert_cmpfloat (shape.mean[0], ==, 0.5f);
  g_assert_cmpfloat (shape.gain[0], ==, 0);
  g_assert_cmpuint (shape.unshuffle, ==, 1);
  g_assert_cmpuint (shape.extend, ==, 32);

  g_autoptr (RfdnGraph) large = read_graph ("r = conv x[3:6] rgb", rgb, &shape);
  g_assert_cmpuint (large->input.n, ==, 12);
  g_assert_cmpuint (shape.in_channels, ==, 3);
  g_assert_cmpuint (shape.out_channels, ==, 3);
  g_assert_cmpuint (shape.scale, ==, 1);
  g_assert_cmpuint (shape.features, ==, 12);
  g_assert_cmpfloat (shape.input_range, ==, 1023);
  g_assert_cmpfloat (shape.mean[0], ==, 1);
  g_assert_cmpfloat (shape.mean[1], ==, -2);
  g_assert_cmpfloat (shape.mean[2], ==, 0.5f);
  for (guint c = 0; c < 3; c++)
    g_assert_cmpfloat (shape.gain[c], ==, 2);
  g_assert_cmpuint (shape.unshuffle, ==, 2);
  g_assert_cmpuint (shape.extend, ==, 0);
}

static void
test_info (void)
{
  static const char *const named[] = {"architecture", "TINY", "input_range", "10", NULL};
  static const char *const rgb[] = {"colour", "rgb", NULL};
  g_autoptr (GBytes) bytes = listed_file_new (HEAD TAIL, named);
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, NULL);
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  g_assert_cmpstr (info->architecture, ==, "TINY");
  g_assert_cmpfloat (info->input_range, ==, 10);
  g_assert_cmpint (info->colour, ==, RFDN_COLOUR_LUMA);
  g_assert_cmpuint (info->scale, ==, 2);
  g_assert_cmpuint (info->halo, ==, 2);
  g_assert_cmpuint (info->macs, ==, 72 + 288);
  g_assert_cmpuint (info->parameters, ==, 72 + 8 + 288 + 4);
  g_assert_false (info->attention);

  g_autoptr (GBytes) more = listed_file_new ("m = mean x\nr = conv x rgb times=m[0:1]", rgb);
  g_autoptr (RfdnModel) other = rfdn_model_new (more, NULL);
  info = rfdn_model_get_info (other);
  g_assert_cmpstr (info->architecture, ==, "layers");
  g_assert_cmpfloat (info->input_range, ==, 1);
  g_assert_cmpint (info->colour, ==, RFDN_COLOUR_RGB);
  g_assert_true (info->attention);
}

/* ---- what comes of them ---------------------------------------------------------------------- */

/* The same file with a list of layers in its metadata. */
static GBytes *
add_list (GBytes *bytes, const char *members)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const char *at = strstr (data + 8, "\"input_range\"");
  const guint64 more = strlen (members);
  GByteArray *file = g_byte_array_new ();
  guint64 length;

  memcpy (&length, data, 8);
  length = GUINT64_TO_LE (GUINT64_FROM_LE (length) + more);
  g_byte_array_append (file, (const guint8 *) &length, 8);
  g_byte_array_append (file, (const guint8 *) data + 8, (guint) (at - data - 8));
  g_byte_array_append (file, (const guint8 *) members, (guint) more);
  g_byte_array_append (file, (const guint8 *) at, (guint) (data + size - at));
  return g_byte_array_free_to_bytes (file);
}

/* A published network as a list of layers gives the same result. */
static void
test_spelt_out (void)
{
  static const SyntheticNetwork network = {"reprfn", 8, 1, 2, 1, TRUE, 5};
  static const char members[] = "\"scale\":\"2\",\"colour\":\"luma\",\"layers\":\""
                                "f = conv x fea_conv\\n"
                                "a = conv f reprfb1.repblock1.rbr_reparam act=leaky:0.05\\n"
                                "b = conv a reprfb1.repblock2.rbr_reparam act=leaky:0.05\\n"
                                "c = conv b reprfb1.repblock3.rbr_reparam act=leaky:0.05\\n"
                                "s = conv c reprfb1.conv3 act=leaky:0.05 plus=f\\n"
                                "q = conv s reprfb1.esa.conv1\\n"
                                "h = stride2 q reprfb1.esa.conv2\\n"
                                "p = maxpool h\\n"
                                "p3 = conv p reprfb1.esa.conv3\\n"
                                "u = conv q reprfb1.esa.conv_f up=p3\\n"
                                "o = conv u reprfb1.esa.conv4 gate=s\\n"
                                "l = conv o lr_conv add=f\\n"
                                "r = conv l upsampler.conv\\n\",";
  g_autoptr (GBytes) plain = synthetic_network_new (&network);
  g_autoptr (GBytes) listed = add_list (plain, members);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (plain, &error);
  g_assert_no_error (error);
  g_autoptr (RfdnModel) other = rfdn_model_new (listed, &error);
  g_assert_no_error (error);
  g_autoptr (Map) in = make_picture (1, 37, 53);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  g_autoptr (Map) one = upscale_float (model, &params, in);
  g_autoptr (Map) same = upscale_float (other, &params, in);

  g_assert_cmpstr (rfdn_model_get_info (model)->architecture, ==, "reprfn");
  g_assert_cmpstr (rfdn_model_get_info (other)->architecture, ==, "layers");
  g_assert_cmpmem (one->values, (gsize) one->height * one->width * 4, same->values,
                   (gsize) same->height * same->width * 4);
}

/* Layers that write slices of a stack read other slices, around their own pixels: tiles must
 * compute enough of each. */
static void
test_dense (void)
{
  static const char *const borders[] = {"", " pad=edge", " pad=mirror"};

  for (guint i = 0; i < G_N_ELEMENTS (borders); i++) {
    g_autoptr (GString) list = g_string_new ("s = stack 26\n"
                                             "s[0:8] = conv x head@\n"
                                             "s[8:16] = conv s[0:8] square@\n"
                                             "s[16:24] = conv s[8:16] oblong@\n"
                                             "s[24:26] = conv s[0:8] body rows=0:2@\n"
                                             "a = conv s[10:26] fuse@\n"
                                             "r = conv a tail");
    g_string_replace (list, "@", borders[i], 0);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = listed_file_new (list->str, NULL);
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
    g_assert_no_error (error);
    g_autoptr (Map) in = make_picture (1, 71, 90);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    g_autoptr (Map) whole = upscale_float (model, &params, in);
    params.tile_size = 16;
    g_autoptr (Map) tiles = upscale_float (model, &params, in);
    float most = 0;
    for (guint k = 0; k < whole->height * whole->width; k++)
      most = MAX (most, fabsf (whole->values[k]));
    g_assert_cmpfloat (most, >, 0.01f);
    for (guint k = 0; k < whole->height * whole->width; k++)
      g_assert_cmpfloat (fabsf (tiles->values[k] - whole->values[k]), <=, 1e-5f * most);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layers/good", test_good);
  g_test_add_func ("/layers/clip", test_clip);
  g_test_add_func ("/layers/weights", test_weights);
  g_test_add_func ("/layers/metadata", test_metadata);
  g_test_add_func ("/layers/info", test_info);
  g_test_add_func ("/layers/spelt-out", test_spelt_out);
  g_test_add_func ("/layers/dense", test_dense);
  return g_test_run ();
}
