using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.HuggingFace.Quantized;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Tests.Checkpoints.Safetensors;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>Stored tensors, byte by byte, and the values that a configuration gives them.</summary>
internal sealed class QuantizedFile
{
    private readonly JsonObject _header = [];
    private readonly List<byte> _data = [];

    /// <summary>The names of the tensors.</summary>
    public IEnumerable<string> Names => _header.Select(t => t.Key);

    public QuantizedFile Add(string name, string type, long[] shape, ReadOnlySpan<byte> data)
    {
        var start = _data.Count;
        _data.AddRange(data);
        _header.Add(name, new JsonObject
        {
            ["dtype"] = type,
            ["shape"] = new JsonArray([.. shape.Select(s => (JsonNode)s)]),
            ["data_offsets"] = new JsonArray(start, _data.Count),
        });
        return this;
    }

    public QuantizedFile Words(string name, int[,] words) =>
        Add(name, "I32", [words.GetLength(0), words.GetLength(1)],
            words.Cast<int>().SelectMany(BitConverter.GetBytes).ToArray());

    public QuantizedFile Integers(string name, params int[] values) =>
        Add(name, "I32", [values.Length], values.SelectMany(BitConverter.GetBytes).ToArray());

    public QuantizedFile Shape(string name, long rows, long columns) =>
        Add(name, "I64", [2], new[] { rows, columns }.SelectMany(BitConverter.GetBytes).ToArray());

    public QuantizedFile Halves(string name, long[] shape, params float[] values) =>
        Add(name, "F16", shape, values.SelectMany(v => BitConverter.GetBytes((Half)v)).ToArray());

    public QuantizedFile Brains(string name, long[] shape, params float[] values) => Add(name, "BF16", shape,
        values.SelectMany(v => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16))).ToArray());

    public QuantizedFile Floats(string name, long[] shape, params float[] values) =>
        Add(name, "F32", shape, values.SelectMany(BitConverter.GetBytes).ToArray());

    public QuantizedFile SignedBytes(string name, long[] shape, params sbyte[] values) =>
        Add(name, "I8", shape, values.Select(v => unchecked((byte)v)).ToArray());

    /// <summary>Writes the file.</summary>
    public void Write(string path)
    {
        using var aligned = new MemoryStream();
        var header = Encoding.UTF8.GetBytes(_header.ToJsonString());
        var padded = new byte[(header.Length + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        header.CopyTo(padded, 0);
        File.WriteAllBytes(path, RawSafetensors.Bytes(padded, [.. _data]));
    }

    /// <summary>The values of the weight <c>m.weight</c>, row by row.</summary>
    public float[] Values(string configuration)
    {
        using var folder = new TemporaryFolder();
        Write(folder.File("model.safetensors"));
        using var files = WeightFiles.Open(folder.Path);
        using var scope = NewDisposeScope();
        var config = ConfigValues.Parse("config.json", $$"""{"quantization_config": {{configuration}}}""");
        var weight = Quantizations.Of(config)!.WeightOf(new ModuleTensors("m", files))!;
        Assert.Equal("m.weight", weight.Name);
        var values = weight.Read(files, 0, weight.Shape[0]).data<float>().ToArray();
        using var memory = new WeightMemory();
        using var packed = weight.Packed(files, memory, new StoredPart(weight.Name, weight.Shape));
        PackedAs = packed?.Format.Name;
        if (packed is null) return values;
        // In blocks the numbers are the same, to the last bit.
        var row = new float[packed.Columns];
        for (var r = 0; r < packed.Rows; r++)
        {
            packed.Read(r, row);
            Assert.Equal(values.AsSpan(r * row.Length, row.Length).ToArray().Select(BitConverter.SingleToInt32Bits),
                row.Select(BitConverter.SingleToInt32Bits));
        }
        return values;
    }

    /// <summary>The format that the weight was packed in when its values were read; null for none.</summary>
    public string? PackedAs { get; private set; }

    /// <summary>The message of the refusal.</summary>
    public string Refusal(string configuration)
    {
        var message = Assert.Throws<CrossheadException>(() => Values(configuration)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    /// <summary>
    /// Puts numbers without sign into 32-bit words, along the rows (0) or the columns (1) of a matrix. The order says
    /// which number of a word comes at each place, from the lowest bits.
    /// </summary>
    public static int[,] Pack(int[,] numbers, int bits, int along, int[]? order = null)
    {
        var per = 32 / bits;
        int[] sizes = [numbers.GetLength(0), numbers.GetLength(1)];
        int[] packed = [.. sizes];
        packed[along] = (sizes[along] + per - 1) / per;
        var words = new int[packed[0], packed[1]];
        for (var row = 0; row < packed[0]; row++)
            for (var column = 0; column < packed[1]; column++)
                for (var place = 0; place < per; place++)
                {
                    var offset = order?[place] ?? place;
                    var (r, c) = along == 0 ? ((row * per) + offset, column) : (row, (column * per) + offset);
                    if (r < sizes[0] && c < sizes[1]) words[row, column] |= numbers[r, c] << (place * bits);
                }
        return words;
    }

    /// <summary>A matrix with rows and columns exchanged.</summary>
    public static T[,] Transpose<T>(T[,] matrix) =>
        Make(matrix.GetLength(1), matrix.GetLength(0), (r, c) => matrix[c, r]);

    public static T[,] Make<T>(int rows, int columns, Func<int, int, T> value)
    {
        var matrix = new T[rows, columns];
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++) matrix[r, c] = value(r, c);
        return matrix;
    }
}
