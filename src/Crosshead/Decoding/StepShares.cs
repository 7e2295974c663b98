using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// How steps of many sequences over pages of components are shared out: every multiprocessor reads the same number of
/// tokens. With a block for each sequence the last of them would leave most multiprocessors idle.
/// </summary>
internal sealed class StepShares
{
    private readonly PieceScratch _scratch;
    private readonly int _blocks;

    private StepShares(PieceScratch scratch, int blocks) => (_scratch, _blocks) = (scratch, blocks);

    /// <summary>Those of a model; null if a layer's cache cannot be shared out so.</summary>
    /// <param name="heads">Query heads.</param>
    /// <param name="layers">The pages of all layers.</param>
    /// <param name="scratch">Memory that launches share.</param>
    public static StepShares? Of(int heads, IReadOnlyList<KeyValueCache> layers, PieceScratch scratch)
    {
        foreach (var layer in layers)
        {
            var (keys, values, factors) = layer.Whole;
            if (keys.shape[1] != 1 || !DecodeAttention.TakesShares(keys, values, heads, factors))
                return null;
        }
        return new StepShares(scratch, CudaDevice.Get(layers[0].Whole.Keys.device.index).Multiprocessors);
    }

    /// <summary>
    /// Whether steps of so many sequences gain. Fewer have blocks enough if each has the same number.
    /// </summary>
    public bool Serve(int rows) => 2 * rows > _blocks;

    /// <summary>Numbers that <see cref="Write"/> needs room for.</summary>
    /// <param name="rows">Rows of a step.</param>
    public int Length(int rows) => (ShareList.Most(rows, _blocks) * PieceList.ItemLength) + _blocks + 1;

    /// <summary>Shares the rows of a step out.</summary>
    /// <param name="rows">The rows, each a piece of one token.</param>
    /// <param name="told">Room for <see cref="Length"/> numbers.</param>
    public void Write(List<Piece> rows, Span<int> told)
    {
        var items = told.Length - _blocks - 1;
        ShareList.Write(rows, told[items..], told[..items]);
    }

    /// <summary>The same on the device.</summary>
    /// <param name="told">What was written.</param>
    public PieceWork In(Tensor told)
    {
        var items = told.shape[0] - _blocks - 1;
        return new PieceWork(told.narrow(0, 0, items).view(-1, PieceList.ItemLength), PieceList.MostParts(_blocks),
            _scratch)
        {
            MostTokens = 1,
            Starts = told.narrow(0, items, _blocks + 1),
            LeavesRows = true,
        };
    }
}
