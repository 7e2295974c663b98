using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>Numbers with an element each: floating-point numbers, bytes, or 8-bit floating-point numbers.</summary>
/// <param name="Entry">The stored tensor, of <paramref name="Rows"/> · <paramref name="Columns"/> elements.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">Number of columns.</param>
/// <param name="Transposed">Whether the tensor is stored as [columns, rows].</param>
internal sealed record PlainNumbers(SafetensorsEntry Entry, long Rows, long Columns, bool Transposed = false)
    : StoredNumbers(Entry, Rows, Columns)
{
    /// <inheritdoc/>
    public override string TypeName => Entry.Type.Name switch
    {
        Float8.TypeName => "float8",
        "I8" => "int8",
        var name => name,
    };

    /// <summary>Whether they are 8-bit floating-point numbers.</summary>
    public bool IsFloat8 => Entry.Type.Name == Float8.TypeName;

    /// <summary>The bytes of some of the rows, of numbers with a byte each.</summary>
    public byte[] ReadBytes(WeightFiles files, long start, long count)
    {
        using var scope = NewDisposeScope();
        return RowsOf(files.FileOf(Entry.Name).MapBytes(Entry.Name), start, count).contiguous().data<byte>().ToArray();
    }

    /// <inheritdoc/>
    public override Tensor Read(WeightFiles files, long start, long count)
    {
        using var scope = NewDisposeScope();
        var stored = IsFloat8 ? files.FileOf(Entry.Name).MapBytes(Entry.Name) : files.Map(Entry.Name);
        var rows = RowsOf(stored, start, count);
        // A copy, which the caller may change: a mapped tensor of this type would be returned as it is.
        return (IsFloat8 ? Float8.Decode(rows) : rows.contiguous().to(ScalarType.Float32, copy: true))
            .MoveToOuterDisposeScope();
    }

    private Tensor RowsOf(Tensor stored, long start, long count) => Transposed
        ? stored.reshape(Columns, Rows).narrow(1, start, count).t()
        : stored.reshape(Rows, Columns).narrow(0, start, count);
}
