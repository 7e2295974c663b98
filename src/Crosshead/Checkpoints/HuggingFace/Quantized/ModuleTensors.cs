using System.Buffers.Binary;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>The stored tensors of one module, such as <c>model.layers.0.mlp.up_proj</c>.</summary>
/// <param name="Name">The module.</param>
/// <param name="Files">The files.</param>
/// <param name="Separator">What stands between its name and those of its tensors.</param>
internal sealed record ModuleTensors(string Name, WeightFiles Files, char Separator = '.')
{
    /// <summary>The name of the module's weight.</summary>
    public string Weight => $"{Name}.weight";

    /// <summary>A tensor of the module; null if it is not stored.</summary>
    /// <param name="part">The last part of its name.</param>
    public SafetensorsEntry? Find(string part) => Files.Tensors.GetValueOrDefault(NameOf(part));

    /// <summary>A tensor of the module.</summary>
    /// <exception cref="CrossheadException">It is not stored.</exception>
    public SafetensorsEntry Required(string part) =>
        Find(part) ?? throw Error($"lacks the tensor \"{NameOf(part)}\", without which {Weight} has no values");

    /// <summary>A tensor of the module with the given number of dimensions and one of the given types.</summary>
    /// <exception cref="CrossheadException">It is not stored, or is not so.</exception>
    public SafetensorsEntry Required(string part, int dimensions, params string[] types)
    {
        var entry = Required(part);
        RequireType(entry, types);
        return entry.Shape.Length == dimensions ? entry
            : throw Error($"tensor \"{entry.Name}\" has shape {Shown(entry)}; it needs {dimensions} dimensions");
    }

    /// <summary>Refuses a tensor of another type.</summary>
    public void RequireType(SafetensorsEntry entry, params string[] types)
    {
        if (!types.Contains(entry.Type.Name))
            throw Error($"tensor \"{entry.Name}\" is of type {entry.Type}; supported is {string.Join(", ", types)}");
    }

    /// <summary>Refuses a tensor of another shape.</summary>
    public void RequireShape(SafetensorsEntry entry, params long[] shape)
    {
        if (!entry.Shape.SequenceEqual(shape))
            throw Error($"tensor \"{entry.Name}\" has shape {Shown(entry)}; its module asks for "
                + $"[{string.Join(", ", shape)}]");
    }

    /// <summary>Refuses a group size that does not divide the columns.</summary>
    public void RequireDivisor(long groupSize, long columns)
    {
        if (groupSize < 1 || columns % groupSize != 0)
            throw Error($"{Weight} has {columns} columns, which are no whole groups of {groupSize} (group_size); the "
                + $"group size must divide the columns");
    }

    /// <summary>The two numbers in a tensor of two whole numbers: the shape of a matrix.</summary>
    /// <exception cref="CrossheadException">The file cannot be read, or a number is not positive.</exception>
    public (long Rows, long Columns) PairIn(SafetensorsEntry entry)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(long)];
        bytes = bytes[..(int)entry.Bytes];
        try
        {
            using var file = InputFile.OpenHandle(Files.FileOf(entry.Name).Path);
            if (RandomAccess.Read(file, bytes, entry.Offset) < bytes.Length)
                throw Error($"ends within the tensor \"{entry.Name}\"");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Error($"tensor \"{entry.Name}\" cannot be read: {e.Reason()}");
        }
        var (rows, columns) = entry.Type.Name == "I64"
            ? (BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]))
            : (BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
        return rows > 0 && columns > 0 ? (rows, columns)
            : throw Error($"tensor \"{entry.Name}\" says that {Weight} has the shape [{rows}, {columns}]");
    }

    /// <summary>An error of the files.</summary>
    public CrossheadException Error(string what) => new($"\"{Files.Path}\": {what}; get the folder again.");

    private string NameOf(string part) => $"{Name}{Separator}{part}";

    private static string Shown(SafetensorsEntry entry) => $"[{string.Join(", ", entry.Shape)}]";
}
