using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>Works out where the tokens of a call stand, once for all layers.</summary>
internal static class TokenSpans
{
    /// <summary>The next <paramref name="count"/> tokens after what <paramref name="state"/> keeps; all of a sequence without one.</summary>
    public static TokenSpan Create(RotaryEmbedding rotary, long count, DecodeState? state, Device device)
    {
        var start = state?.Length ?? 0;
        if (state?.Padding is { } padding) return Padded(rotary, count, start, padding, device);

        var (cos, sin) = rotary.Rows(start, count);
        if (start == 0) return new TokenSpan(cos, sin, null, Causal: count > 1);
        return new TokenSpan(cos, sin, count == 1 ? null : Seen(start, count, device), Causal: false);
    }

    // Sequences are padded on the left to end together; a token's position counts from its own sequence's first token.
    private static TokenSpan Padded(RotaryEmbedding rotary, long count, long start, IReadOnlyList<long> padding, Device device)
    {
        var pads = tensor(padding.ToArray(), ScalarType.Int64, device).unsqueeze(1);             // [B,1]
        var indices = arange(start, start + count, ScalarType.Int64, device);                    // [N]
        var (cos, sin) = rotary.Rows((indices - pads).clamp(0, rotary.Positions - 1));
        var keys = arange(start + count, ScalarType.Int64, device);                              // [T]
        var real = keys >= pads;                                                                 // [B,T]
        // A padding token sees itself, so that its softmax is defined; nobody sees a padding token.
        var itself = keys == indices.unsqueeze(1);                                               // [N,T]
        var mask = Seen(start, count, device).logical_and(real.unsqueeze(1)).logical_or(itself); // [B,N,T]
        return new TokenSpan(cos, sin, mask.unsqueeze(1), Causal: false);
    }

    // Query n of the call sees keys up to start + n: [N, start + N].
    private static Tensor Seen(long start, long count, Device device) =>
        ones([count, start + count], ScalarType.Bool, device).tril(start);
}
