using System.Numerics;
using System.Text;
using Crosshead.Runtime;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The header of a GGUF file: its metadata, then each tensor's name, sizes, type and place. It is read as hostile
/// input: every inconsistency is refused.
/// </summary>
internal sealed class GgufHeader
{
    /// <summary>The bytes <c>GGUF</c>, with which a file begins.</summary>
    public const uint Magic = 0x46554747;

    /// <summary>The version that is written. The version before is the same, and is read too.</summary>
    public const uint Version = 3;

    /// <summary>Bytes of a header without metadata and tensors.</summary>
    public const int LeastBytes = 24;

    /// <summary>The key of the alignment of the tensors' first bytes, and its value without that key.</summary>
    public const string AlignmentKey = "general.alignment";

    /// <inheritdoc cref="AlignmentKey"/>
    public const int DefaultAlignment = 32;

    /// <summary>Bytes of the longest key and of the longest tensor name.</summary>
    public const int MostKeyBytes = 65535, MostNameBytes = 64;

    /// <summary>Most dimensions of a tensor.</summary>
    public const int MostDimensions = 4;

    private const int LeastPairBytes = 8 + 1 + 4 + 1; // a key of one letter, a type, a byte
    private const int LeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8; // a name of one letter, one dimension, type, offset

    private readonly Dictionary<string, GgufTensor> _tensors = [];
    private readonly GgufCursor _cursor;
    private readonly long _alignment;

    private GgufHeader(MappedFile map, string path)
    {
        _cursor = new GgufCursor(map, path);
        RequireVersion();
        var tensors = _cursor.Count("the number of tensors", LeastTensorBytes);
        var pairs = _cursor.Count("the number of metadata pairs", LeastPairBytes);
        Metadata = new GgufMetadata(map, path, Pairs(pairs));
        _alignment = Alignment();
        DataStart = ReadTensors(tensors, map.Length);
    }

    /// <summary>The metadata.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors by name, in the order of their bytes.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _tensors;

    /// <summary>Where the tensors' bytes begin in the file.</summary>
    public long DataStart { get; }

    /// <summary>Reads and checks the header of a mapped file of at least <see cref="LeastBytes"/>.</summary>
    /// <exception cref="CrossheadException">The file is not a GGUF file, is truncated, or contradicts
    /// itself.</exception>
    public static GgufHeader Read(MappedFile map, string path) => new(map, path);

    /// <summary>The next multiple of an alignment.</summary>
    public static long Align(long position, long alignment) => (position + alignment - 1) / alignment * alignment;

    private void RequireVersion()
    {
        var magic = _cursor.Read<uint>("the magic number");
        if (magic != Magic)
            throw _cursor.Bad($"it begins with {magic:x8}, a GGUF file with {Magic:x8} (GGUF); it is another kind of "
                + "file");
        var version = _cursor.Read<uint>("the version");
        if (version is Version or Version - 1) return;
        throw _cursor.Bad(version << 16 != 0 ? $"its version is {version}; 2 and 3 are supported"
            : $"its version is {version}, as in files of big-endian machines; little-endian ones are supported");
    }

    private Dictionary<string, GgufPlace> Pairs(int count)
    {
        var pairs = new Dictionary<string, GgufPlace>();
        for (var i = 0; i < count; i++)
        {
            _cursor.Current = ("the metadata", null);
            var key = Name("a key", MostKeyBytes);
            _cursor.Current = ("the key", key);
            if (!pairs.TryAdd(key, Place())) throw _cursor.Bad("it occurs twice; each key may occur once");
        }
        return pairs;
    }

    private GgufPlace Place()
    {
        var type = ValueType("the type");
        if (type != GgufValueType.Array)
        {
            var at = _cursor.Position;
            Skip(type, 1);
            return new GgufPlace(type, IsList: false, 1, at, _cursor.Position);
        }
        var element = ValueType("the element type");
        if (element == GgufValueType.Array) throw _cursor.Bad("its elements are arrays; arrays of arrays are not read");
        var count = _cursor.Count("the number of elements", GgufPlace.LeastBytes(element));
        var start = _cursor.Position;
        Skip(element, count);
        return new GgufPlace(element, IsList: true, count, start, _cursor.Position);
    }

    private unsafe void Skip(GgufValueType type, int count)
    {
        if (type == GgufValueType.String)
        {
            _cursor.SkipTexts(count, "a text");
            return;
        }
        var bytes = (long)GgufPlace.LeastBytes(type) * count;
        var at = _cursor.Take(bytes, "its value");
        if (type != GgufValueType.Bool) return;
        var wrong = new ReadOnlySpan<byte>(at, count).IndexOfAnyExcept((byte)0, (byte)1);
        if (wrong >= 0) throw _cursor.Bad($"a truth value is stored as {at[wrong]}; 0 and 1 are possible");
    }

    private GgufValueType ValueType(string what)
    {
        var type = _cursor.Read<uint>(what);
        return type <= (uint)GgufValueType.Float64 ? (GgufValueType)type
            : throw _cursor.Bad($"{what} of its value is {type}; known are 0 to {(uint)GgufValueType.Float64}");
    }

    // Printable ASCII.
    private string Name(string what, int most)
    {
        var bytes = _cursor.Text(what, most);
        if (bytes.Length == 0) throw _cursor.Bad($"{what} is empty; it has 1 to {most} bytes");
        var wrong = bytes.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        return wrong < 0 ? Encoding.ASCII.GetString(bytes)
            : throw _cursor.Bad($"{what} holds the byte {bytes[wrong]}; it consists of printable ASCII letters, bytes "
                + "32 to 126");
    }

    private long Alignment()
    {
        if (!Metadata.Has(AlignmentKey)) return DefaultAlignment;
        _cursor.Current = ("the key", AlignmentKey);
        var alignment = Metadata.Integer(AlignmentKey)!.Value;
        return alignment is > 0 and <= 1L << 31 && BitOperations.IsPow2(alignment) ? alignment
            : throw _cursor.Bad($"its value is {alignment}; a power of two up to {1L << 31} is possible");
    }

    // Returns where their bytes begin.
    private long ReadTensors(int count, long fileLength)
    {
        var end = 0L; // of the tensors so far, from the start of the data
        for (var i = 0; i < count; i++)
        {
            _cursor.Current = ("the tensors", null);
            var name = Name("a tensor's name", MostNameBytes);
            _cursor.Current = ("tensor", name);
            var tensor = Tensor(name, Align(end, _alignment));
            if (!_tensors.TryAdd(name, tensor)) throw _cursor.Bad("its name occurs twice; each name may occur once");
            end = tensor.Offset + tensor.Bytes;
        }
        _cursor.Current = ("the tensors", null);
        var start = count == 0 ? _cursor.Position : Align(_cursor.Position, _alignment);
        if (start + end > fileLength)
            throw _cursor.Bad($"they end at byte {start + end}, the file at {fileLength}; it is truncated");
        if (fileLength > Align(start + end, _alignment))
            throw _cursor.Bad($"they end at byte {start + end}, the file at {fileLength}; at most padding to a "
                + $"multiple of {_alignment} may follow");
        return start;
    }

    private GgufTensor Tensor(string name, long expected)
    {
        var rank = _cursor.Read<uint>("the number of dimensions");
        if (rank is 0 or > MostDimensions)
            throw _cursor.Bad($"it has {rank} dimensions; 1 to {MostDimensions} are possible");
        var dimensions = new long[rank];
        UInt128 elements = 1; // never more than 2^127: it is checked after each dimension
        for (var i = 0; i < rank; i++)
        {
            var size = _cursor.Read<ulong>("a dimension");
            elements *= size;
            if (size == 0 || elements > long.MaxValue)
                throw _cursor.Bad($"its dimension {i} is {size}; 1 to {long.MaxValue} elements in all are possible");
            dimensions[i] = (long)size;
        }
        var number = _cursor.Read<uint>("the type");
        var type = GgufType.Of(number) ?? throw _cursor.Bad($"its type is {GgufType.Unknown(number)}");
        if (dimensions[0] % type.BlockSize != 0)
            throw _cursor.Bad($"its rows have {dimensions[0]} elements; a row of type {type} is a multiple of "
                + $"{type.BlockSize}");
        var offset = _cursor.Read<ulong>("the offset");
        if (offset != (ulong)expected)
            throw _cursor.Bad($"its offset is {offset}; the tensor before it ends at {expected}, padded to a multiple "
                + $"of {_alignment}, and this one must begin there");
        var bytes = elements / (uint)type.BlockSize * (uint)type.BlockBytes;
        if (bytes + offset > (UInt128)_cursor.Left)
            throw _cursor.Bad($"it needs {bytes} bytes at offset {offset}; {_cursor.Left} bytes are left in the file");
        return new GgufTensor(name, type, dimensions, expected, (long)bytes);
    }
}
