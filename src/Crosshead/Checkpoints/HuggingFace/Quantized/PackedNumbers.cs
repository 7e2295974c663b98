using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// Whole numbers without sign, several in each 32-bit word. The words lie along one dimension of the stored tensor. The
/// last word of a line may be filled up.
/// </summary>
/// <param name="Entry">The stored tensor, of two dimensions.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">Number of columns.</param>
internal sealed record PackedNumbers(SafetensorsEntry Entry, long Rows, long Columns)
    : StoredNumbers(Entry, Rows, Columns)
{
    private const int WordBits = 32;

    /// <summary>Bits per number; a divisor of 32.</summary>
    public required int Bits { get; init; }

    /// <summary>The dimension of the stored tensor along which numbers share a word.</summary>
    public required int Along { get; init; }

    /// <summary>Whether the tensor is stored as [columns, rows].</summary>
    public bool Transposed { get; init; }

    /// <summary>The place of each number of a word, counted from its lowest bits; null for the plain order.</summary>
    public IReadOnlyList<int>? Order { get; init; }

    /// <summary>Numbers per word.</summary>
    public int PerWord => WordBits / Bits;

    /// <inheritdoc/>
    public override string TypeName => $"int{Bits}";

    /// <inheritdoc/>
    public override Tensor Read(WeightFiles files, long start, long count)
    {
        using var scope = NewDisposeScope();
        var words = files.Map(Entry.Name);
        var rowDimension = Transposed ? 1 : 0;
        Tensor numbers;
        if (Along == rowDimension)
        {
            var (first, last) = (start / PerWord, (start + count - 1) / PerWord);
            numbers = Unpack(words.narrow(Along, first, last - first + 1))
                .narrow(Along, start - (first * PerWord), count);
        }
        else
        {
            numbers = Unpack(words.narrow(rowDimension, start, count)).narrow(Along, 0, Columns);
        }
        return (Transposed ? numbers.t() : numbers).contiguous().to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    // [A, W] → [A, W·n], or [W, B] → [W·n, B]
    private Tensor Unpack(Tensor words)
    {
        var order = Order ?? [.. Enumerable.Range(0, PerWord)];
        var shifts = tensor(order.Select(place => place * Bits).ToArray(), ScalarType.Int32)
            .reshape(Along == 0 ? [PerWord, 1] : [PerWord]);
        using var mask = tensor((1 << Bits) - 1, ScalarType.Int32);
        long[] shape = [words.shape[0], words.shape[1]];
        shape[Along] *= PerWord;
        return words.unsqueeze(Along + 1).bitwise_right_shift(shifts).bitwise_and_(mask).reshape(shape);
    }
}
