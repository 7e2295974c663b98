using static TorchSharp.torch;
using Crosshead.Runtime;
LibTorch.EnsureLoaded();
var a = ones(3, 8, requires_grad: true);
var w = ones(8);
var y = Aten.RmsNorm(a, w, 1e-5); y.sum().backward(); Console.WriteLine(y.ToString() + a.grad);
try { Aten.RmsNorm(a, ones(7), 1e-5); } catch (Exception e) { Console.WriteLine(e.GetType() + e.Message); }
var p = ones(4); var g = ones(4); var m = zeros(4); var v = zeros(4); var s = ones(1);
Aten.FusedAdamW([p], [g], [m], [v], [s], 0.1, 0.9, 0.95, 0.1, 1e-8);
Console.WriteLine(p[0].item<float>());
Console.WriteLine(Aten.ScaledDotProductAttention(randn(1,4,5,8), randn(1,2,5,8), randn(1,2,5,8), null, true));
Console.WriteLine(Aten.Embedding(randn(10,4), tensor(new long[]{1,2})));
return 0;
