using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>The next tokens of sequences: each sees those before it, also those that a <see cref="DecodeState"/> keeps.</summary>
internal sealed class SequenceSpans : TokenSpans
{
    private readonly long _start, _count;
    private readonly Device _device;
    private readonly Tensor _cos, _sin;
    private readonly Tensor? _pads; // [B,1] padding tokens before each sequence's first

    /// <summary>The next <paramref name="count"/> tokens after what <paramref name="state"/> keeps; all of a sequence without one.</summary>
    public SequenceSpans(RotaryEmbedding rotary, long count, DecodeState? state, Device device) : base((state?.Length ?? 0) + count)
    {
        (_start, _count, _device) = (state?.Length ?? 0, count, device);
        if (state?.Pads is { } pads)
        {
            // Sequences are padded on the left to end together; a token's position counts from its own sequence's first token.
            _pads = pads;
            var last = Math.Min(Total, rotary.Positions) - 1;
            (_cos, _sin) = rotary.Rows((Queries - _pads).clamp(0, last), last + 1);
        }
        else
        {
            (_cos, _sin) = rotary.Rows(_start, count);
        }
    }

    private long Total => _start + _count;

    private Tensor Queries => arange(_start, Total, ScalarType.Int64, _device); // [N]

    /// <inheritdoc/>
    protected override TokenSpan Create(long width, bool whole)
    {
        if (_pads is null && whole && (_start == 0 || _count == 1))
            return new TokenSpan(_cos, _sin, null, Causal: _count > 1);

        // Query n of the call sees keys up to start + n, and within a window none before start + n − width + 1.
        var seen = ones([_count, Total], ScalarType.Bool, _device).tril(_start);                // [N,T]
        if (!whole) seen = seen.triu(_start - width + 1);
        if (_pads is null) return new TokenSpan(_cos, _sin, seen, Causal: false) { Begins = Begins(width) };

        var keys = arange(Total, ScalarType.Int64, _device);                                    // [T]
        var real = keys >= _pads;                                                               // [B,T]
        // A padding token sees itself, so that its softmax is defined; nobody sees a padding token.
        var itself = keys == Queries.unsqueeze(1);                                              // [N,T]
        var mask = seen.logical_and(real.unsqueeze(1)).logical_or(itself);                      // [B,N,T]
        return new TokenSpan(_cos, _sin, mask.unsqueeze(1), Causal: false) { Begins = Begins(width) };
    }

    // The first token that the one query of each sequence sees, [B] or [1].
    private Tensor? Begins(long width)
    {
        if (_count > 1) return null;
        var begins = full([1], Total - width, ScalarType.Int32, _device);
        return _pads is null ? begins : begins.maximum(_pads.squeeze(1).to(ScalarType.Int32));
    }
}
