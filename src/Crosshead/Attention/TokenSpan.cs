using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>Where the tokens of one forward call stand: their rotary angles and what they may see.</summary>
/// <param name="Cos">Cosines [N, d/2], or [B, N, d/2] where sequences stand at different positions.</param>
/// <param name="Sin">Sines, as <paramref name="Cos"/>.</param>
/// <param name="Mask">What each query sees, [N, T] or [B, 1, N, T], true = seen; null where <paramref name="Causal"/> says it all.</param>
/// <param name="Causal">Query n sees keys up to n (no mask, no tokens before); false with a null mask: every query sees every key.</param>
public sealed record TokenSpan(Tensor Cos, Tensor Sin, Tensor? Mask, bool Causal)
{
    /// <summary>What each query sees, [N, T] or [B, 1, N, T], true = seen; null where <see cref="Causal"/> or the first and the last token seen say it all.</summary>
    public Tensor? Mask { get => field ??= LateMask?.Invoke(); init; } = Mask;

    /// <summary>Makes the mask when somebody asks for it: kernels that are told the first and the last token seen need none.</summary>
    internal Func<Tensor>? LateMask { get; init; }

    /// <summary>Where the tokens are kept; of no account without a cache.</summary>
    public CachePlace Place { get; init; }

    /// <summary>For one token per sequence whose places differ or the device alone knows: one past the last token that each sequence sees, [B] (int32).</summary>
    internal Tensor? Length { get; init; }

    /// <summary>Where the tokens form trees and <see cref="Mask"/> says nothing more: one past the last query that sees a token, [B, N] (int32), for kernels that need no mask.</summary>
    public Tensor? Ends { get; init; }

    /// <summary>Where each sequence has one query: the first token it sees, [B] or [1] (int32), all later ones being seen too. Null where that is the first token, or where <see cref="Mask"/> says it.</summary>
    public Tensor? Begins { get; init; }

    /// <summary>Whether the first and the last token seen say all, so that no mask is needed.</summary>
    public bool IsRange => Begins is not null || Length is not null || (Mask is null && !Causal);
}
