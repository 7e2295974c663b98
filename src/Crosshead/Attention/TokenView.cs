using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Where the tokens of one forward call stand: their rotary angles, and which tokens each of them sees.
/// </summary>
/// <param name="Cos">Cosines [N, d/2], or [B, N, d/2] if the sequences stand at different positions.</param>
/// <param name="Sin">Sines, as <paramref name="Cos"/>.</param>
/// <param name="Mask">
/// What each query sees, [N, T] or [B, 1, N, T], true = seen. Null if <paramref name="Causal"/> says it all.
/// </param>
/// <param name="Causal">
/// True: query n sees keys up to n; there is no mask and no earlier token. False with a null mask: every query sees
/// every key.
/// </param>
public sealed record TokenView(Tensor Cos, Tensor Sin, Tensor? Mask, bool Causal)
{
    /// <summary>
    /// What each query sees, [N, T] or [B, 1, N, T], true = seen. Null if <see cref="Causal"/>, or the first and last
    /// visible token, say it all.
    /// </summary>
    public Tensor? Mask { get => field ??= LateMask?.Invoke(); init; } = Mask;

    /// <summary>
    /// Builds the mask on first use. Kernels that receive the first and the last visible token never need it.
    /// </summary>
    internal Func<Tensor>? LateMask { get; init; }

    /// <summary>Where the tokens are kept. Ignored without a cache.</summary>
    public CachePlace Place { get; init; }

    /// <summary>
    /// For one token per sequence whose places differ or the device alone knows: one past the last token that each
    /// sequence sees, [B] (int32).
    /// </summary>
    internal Tensor? Length { get; init; }

    /// <summary>
    /// For one token per sequence in pages: how those of the same sequence read its cache together. Null if each reads
    /// it for itself.
    /// </summary>
    internal PieceWork? Pieces { get; init; }

    /// <summary>
    /// As <see cref="Pieces"/>, for layers that keep components of keys and of values; null for as others.
    /// </summary>
    internal ComposedWork? Composed { get; init; }

    /// <summary>
    /// For tokens that form trees: one past the last query that sees each token, [B, N] (int32), for kernels that need
    /// no mask. Null if <see cref="Mask"/> says more.
    /// </summary>
    public Tensor? Ends { get; init; }

    /// <summary>
    /// Only for one query per sequence: index of the first visible token, [B] or [1] (int32). Everything from there on
    /// is visible. Null: token 0, or <see cref="Mask"/> decides.
    /// </summary>
    public Tensor? Begins { get; init; }

    /// <summary>What the rotated queries are multiplied by, [N] or [B, N]; null for 1.</summary>
    internal Tensor? QueryFactors { get; init; }

    /// <summary>Rotated queries [B, N, h, ·] times their factors.</summary>
    internal Tensor Grown(Tensor query) =>
        QueryFactors is not { } factors ? query : query * factors.to(query.dtype).unsqueeze(-1).unsqueeze(-1);

    /// <summary>Whether the first and the last visible token say all, so that no mask is needed.</summary>
    public bool IsRange => Begins is not null || Length is not null || (Mask is null && !Causal);
}
