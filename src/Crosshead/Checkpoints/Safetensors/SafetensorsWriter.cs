using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Files;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>Writes tensors to a safetensors file, atomically, names sorted.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8; // the tensors begin at a multiple of this many bytes

    /// <summary>Writes the file. An earlier file stays until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="metadata">Strings to keep in the header; <c>format: pt</c> is added, because Hugging Face requires
    /// it.</param>
    /// <param name="type">Precision of the written floating-point tensors, each converted when it is written; null for
    /// their own.</param>
    /// <exception cref="CrossheadException">The format lacks a tensor's type, a name occurs twice, or the disk is full
    /// or cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null, ScalarType? type = null) =>
        WriteEach(path, tensors.Select(t => new StoredTensor(t.Key, t.Value)), metadata, type);

    /// <summary>Writes tensors that are made one after the other, in the order of their names.</summary>
    internal static void WriteEach(string path, IEnumerable<StoredTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null, ScalarType? type = null)
    {
        var sorted = tensors.OrderBy(t => t.Name, StringComparer.Ordinal).ToArray();
        var header = Header(sorted, metadata, type);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var tensor in sorted) WriteBytes(stream, tensor, type);
            foreach (var end in sorted.Select(t => t.EndTogether).OfType<Action>().Distinct()) end();
        });
    }

    private static byte[] Header(StoredTensor[] tensors, IReadOnlyDictionary<string, string>? metadata,
        ScalarType? type)
    {
        var notes = new JsonObject();
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>()) notes[key] = value;
        notes["format"] = "pt";
        var json = new JsonObject { [SafetensorsHeader.MetadataKey] = notes };
        var end = 0L;
        foreach (var tensor in tensors)
        {
            var stored = SafetensorsType.Of(tensor.TypeIn(type))
                ?? throw new CrossheadException($"tensor \"{tensor.Name}\" has the type {tensor.Type}, which the "
                    + $"safetensors format lacks; convert it first.");
            var start = end;
            end += tensor.BytesIn(type);
            var entry = new JsonObject
            {
                ["dtype"] = stored.Name,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(start, end),
            };
            if (!json.TryAdd(tensor.Name, entry))
                throw new CrossheadException(
                    $"the tensor name \"{tensor.Name}\" is taken; give each tensor a name of its own.");
        }
        var text = Encoding.UTF8.GetBytes(json.ToJsonString());
        var padded = (text.Length + Alignment - 1) / Alignment * Alignment;
        var header = new byte[SafetensorsHeader.PrefixBytes + padded];
        BinaryPrimitives.WriteInt64LittleEndian(header, padded);
        text.CopyTo(header, SafetensorsHeader.PrefixBytes);
        header.AsSpan(SafetensorsHeader.PrefixBytes + text.Length).Fill((byte)' ');
        return header;
    }

    private static void WriteBytes(FileStream stream, StoredTensor tensor, ScalarType? type)
    {
        if (tensor.WriteTogether is { } write && tensor.TypeIn(type) == tensor.Type)
        {
            write(stream);
            return;
        }
        using var scope = NewDisposeScope();
        TensorBytes.Write(stream, tensor.Read().detach().to(tensor.TypeIn(type)).cpu().contiguous());
    }
}
