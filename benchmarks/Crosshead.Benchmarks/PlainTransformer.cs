using Crosshead.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Crosshead.Benchmarks;

/// <summary>
/// A Llama and its training step as one writes them with TorchSharp's operators and its AdamW: what our step is
/// compared with. In bfloat16 the float32 weights are cast where they are used, as automatic mixed precision does.
/// </summary>
internal sealed class PlainTransformer : IDisposable
{
    private readonly ModelOptions _options;
    private readonly ScalarType _type;
    private readonly Parameter _embedding, _head, _norm;
    private readonly Layer[] _layers;
    private readonly Tensor _cosine, _sine; // [N, 1, d/2]
    private readonly optim.Optimizer _optimizer;

    public PlainTransformer(ModelOptions options, ScalarType type, double learningRate)
    {
        (_options, _type) = (options, type);
        long width = options.HiddenSize, inner = options.FeedForward,
            attention = options.Attention.Heads * (long)options.HeadDim;
        Parameter Matrix(long rows, long columns) => new(randn(rows, columns) * 0.02);
        (_embedding, _head, _norm) = (Matrix(options.VocabularySize, width), Matrix(options.VocabularySize, width),
            new Parameter(ones(width)));
        _layers = [.. Enumerable.Range(0, options.Layers).Select(_ => new Layer(
            new Parameter(ones(width)), Matrix(attention, width), Matrix(attention, width), Matrix(attention, width),
            Matrix(width, attention),
            new Parameter(ones(width)), Matrix(inner, width), Matrix(inner, width), Matrix(width, inner)))];
        using var scope = NewDisposeScope();
        var angles = outer(arange(options.Context),
            pow(10_000, arange(0, options.HeadDim, 2) / (double)-options.HeadDim));
        (_cosine, _sine) = (angles.cos().unsqueeze(1).to_type(type).DetachFromDisposeScope(),
            angles.sin().unsqueeze(1).to_type(type).DetachFromDisposeScope());
        _optimizer = optim.AdamW(Parameters, learningRate, weight_decay: 0.1);
    }

    private IEnumerable<Parameter> Parameters => [_embedding, _head, _norm, .. _layers.SelectMany(l => l.All)];

    /// <summary>Forward, backward, clipping and AdamW; returns the loss.</summary>
    /// <param name="tokens">[B, N]</param>
    /// <param name="targets">[B, N]</param>
    public double Step(Tensor tokens, Tensor targets)
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        var loss = cross_entropy(Logits(tokens).view(-1, _options.VocabularySize).to_type(ScalarType.Float32),
            targets.view(-1));
        loss.backward();
        nn.utils.clip_grad_norm_(Parameters, 1);
        _optimizer.step();
        return loss.item<float>();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (var parameter in Parameters) parameter.Dispose();
        _cosine.Dispose();
        _sine.Dispose();
    }

    private Tensor Logits(Tensor tokens)
    {
        var x = _embedding[tokens].to_type(_type); // [B,N,D]
        foreach (var layer in _layers)
        {
            var normed = Norm(x, layer.AttentionNorm);
            var (query, key, value) = (Rotate(Heads(normed, layer.Query)), Rotate(Heads(normed, layer.Key)),
                Heads(normed, layer.Value));
            var heads = scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2),
                is_casual: true);
            x = x + linear(heads.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1), Cast(layer.Output));
            normed = Norm(x, layer.FeedForwardNorm);
            x = x + linear(silu(linear(normed, Cast(layer.Gate))) * linear(normed, Cast(layer.Up)), Cast(layer.Down));
        }
        return linear(Norm(x, _norm), Cast(_head));
    }

    private Tensor Heads(Tensor x, Tensor weight) =>
        linear(x, Cast(weight)).view(x.shape[0], x.shape[1], _options.Attention.Heads, _options.HeadDim);

    private Tensor Cast(Tensor weight) => weight.to_type(_type);

    private Tensor Norm(Tensor x, Tensor weight)
    {
        var wide = x.to_type(ScalarType.Float32);
        return (wide * (wide.pow(2).mean([-1], keepdim: true) + _options.NormEpsilon).rsqrt() * weight).to_type(_type);
    }

    private Tensor Rotate(Tensor x)
    {
        var halves = x.chunk(2, -1); // each [B,N,h,d/2]
        return cat([halves[0] * _cosine - halves[1] * _sine, halves[1] * _cosine + halves[0] * _sine], -1);
    }

    private sealed record Layer(Parameter AttentionNorm, Parameter Query, Parameter Key, Parameter Value,
        Parameter Output, Parameter FeedForwardNorm, Parameter Gate, Parameter Up, Parameter Down)
    {
        public Parameter[] All => [AttentionNorm, Query, Key, Value, Output, FeedForwardNorm, Gate, Up, Down];
    }
}
