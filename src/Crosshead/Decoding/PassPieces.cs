using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The pieces of sequences in passes over pages on a CUDA device: which rows read the cache together, and how their
/// work is shared out.
/// </summary>
internal sealed class PassPieces : IDisposable
{
    private const int BlocksOfMultiprocessor = 2, LeastSplits = 8, RowsKeptApart = 64;
    private const int Uneven = 4; // times the mean length
    private readonly Device _device;
    private readonly PieceScratch _scratch;
    private readonly int _blockTokens; // tokens of a piece that a block takes in every layer, or more
    private readonly int _splits;      // blocks, for each row of the cache, that the device runs at once

    /// <summary>Nothing is taken yet.</summary>
    /// <param name="model">A model that pieces <see cref="Serve"/>.</param>
    /// <param name="state">Its pages.</param>
    /// <param name="apart">Whether a row must not depend, to the last bit, on what is computed beside it.</param>
    public PassPieces(LanguageModel model, PagedState state, bool apart = false)
    {
        (_device, _scratch) = (model.Device, new PieceScratch(model.Device));
        _splits = SplitsFor(state, (int)state.Layers.Min(l => l.Whole.Keys.shape[1]));
        _blockTokens = state.Layers.Min(layer => TokensOfBlock(model, layer));
        if (apart) FixedRows = RowsKeptApart;
        else Composed = ComposedRows.Of(model, state, _scratch, _blockTokens, _splits);
    }

    /// <summary>
    /// Rows of every pass where rows are kept apart: products add in the same order then, and pieces are cut at fixed
    /// tokens. Null if a pass has as many rows as it needs.
    /// </summary>
    public int? FixedRows { get; }

    /// <summary>Whether all layers of a model read pieces of sequences where they lie.</summary>
    /// <param name="model">The model, in bfloat16 on a CUDA device.</param>
    /// <param name="state">Its pages.</param>
    public static bool Serve(LanguageModel model, PagedState state) =>
        Unknown(model.Options) is null && state.Layers.All(layer => TokensOfBlock(model, layer) > 0);

    /// <summary>What of a model the kernels for pieces do not know; null if they know all.</summary>
    /// <param name="shape">Shape of the model.</param>
    public static string? Unknown(ModelOptions shape) => shape.Attention switch
    {
        { Latent: not null } => "latent attention",
        _ when shape.ShortContext is not null => "two scalings of positions",
        { Variant: var variant } => AttentionFactory.TraitsOf(variant).IsSoftmax ? null : variant.NameOf(),
    };

    /// <summary>
    /// How layers of components share the rows out; null if there are none, or if all rows read components.
    /// </summary>
    public ComposedRows? Composed { get; }

    /// <summary>Number of blocks, for each of so many rows, that the device runs at once.</summary>
    internal static int SplitsFor(PagedState state, int rows)
    {
        var device = CudaDevice.Get(state.Layers[0].Whole.Keys.device.index);
        return Math.Max(LeastSplits, device.Multiprocessors * BlocksOfMultiprocessor / rows);
    }

    /// <summary>The pieces of some rows.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">The rows, in order; the pieces number them from 0 on.</param>
    public static List<Piece> Of(DecodePass pass, List<int> rows)
    {
        List<Piece> pieces = [];
        for (var i = 0; i < rows.Count; i++)
        {
            var row = pass.Rows[rows[i]];
            if (i > 0 && pieces[^1] is { Tokens: < PieceList.MostTokens } last
                && pass.Rows[rows[i - 1]] is var before && before.Slot == row.Slot
                && before.Position + 1 == row.Position && row.Position % EvenPieceList.Tokens != 0)
                pieces[^1] = last with { Tokens = last.Tokens + 1, End = row.Position + 1 };
            else pieces.Add(new Piece(i, 1, row.Position + 1));
        }
        return pieces;
    }

    /// <summary>Whether the pieces are single tokens of sequences of similar lengths.</summary>
    public static bool AreEven(List<Piece> pieces)
    {
        var (longest, sum) = (0L, 0L);
        foreach (var piece in pieces)
        {
            if (piece.Tokens > 1) return false;
            (longest, sum) = (Math.Max(longest, piece.End), sum + piece.End);
        }
        return longest * pieces.Count <= Uneven * sum;
    }

    /// <summary>The items of pieces, written to memory of the device.</summary>
    /// <param name="pieces">The pieces.</param>
    public PieceWork Work(List<Piece> pieces)
    {
        var items = new int[MostItems(pieces.Count, pieces.Max(p => p.End)) * PieceList.ItemLength];
        var count = Write(pieces, items);
        return In(tensor(items.AsSpan(0, count * PieceList.ItemLength).ToArray(), [count, PieceList.ItemLength],
            ScalarType.Int32, _device));
    }

    /// <summary>Most items of so many rows.</summary>
    /// <param name="rows">The rows, or pieces of them.</param>
    /// <param name="tokens">Most tokens that one of them sees.</param>
    public int MostItems(int rows, int tokens) =>
        FixedRows is null ? PieceList.Most(rows, _splits) : EvenPieceList.Most(rows, tokens);

    /// <summary>Writes the items of pieces; those behind the last one are cleared.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="items">Room for <see cref="MostItems"/> items.</param>
    /// <returns>Number of items.</returns>
    public int Write(List<Piece> pieces, Span<int> items) => FixedRows is null
        ? PieceList.Write(pieces, _blockTokens, _splits, items) : EvenPieceList.Write(pieces, _blockTokens, items);

    /// <summary>The items in memory that every launch reads anew.</summary>
    /// <param name="items">[n, 8] (int32)</param>
    public PieceWork In(Tensor items) =>
        new(items, FixedRows is null ? PieceList.MostParts(_splits) : (int)items.shape[0], _scratch);

    private static int TokensOfBlock(LanguageModel model, KeyValueCache layer)
    {
        var (keys, values, factors) = layer.Whole;
        return DecodeAttention.PieceTokens(keys, values, model.Options.Attention.Heads, factors, layer.Scales);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Composed?.Dispose();
        _scratch.Dispose();
    }
}
