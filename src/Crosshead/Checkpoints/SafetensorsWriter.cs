using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>Writes tensors to a safetensors file, atomically, names sorted.</summary>
public static class SafetensorsWriter
{
    private const long MaxPiece = 1 << 26; // bytes a write

    /// <summary>Writes the file; what was there before stays until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="metadata">Strings to keep in the header; <c>format: pt</c> is added, which Hugging Face asks for.</param>
    /// <exception cref="CrossheadException">The disk is full or cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = tensors.OrderBy(t => t.Key, StringComparer.Ordinal).ToArray();
        var header = Header(sorted, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var (_, tensor) in sorted) WriteBytes(stream, tensor);
        });
    }

    private static byte[] Header(KeyValuePair<string, Tensor>[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var notes = new JsonObject { ["format"] = "pt" };
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>()) notes[key] = value;
        var json = new JsonObject { ["__metadata__"] = notes };
        var end = 0L;
        foreach (var (name, tensor) in tensors)
        {
            var type = SafetensorsHeader.Types.FirstOrDefault(t => t.Value.Type == tensor.dtype).Key
                ?? throw new CrossheadException($"tensor \"{name}\" has the type {tensor.dtype}, which the safetensors format lacks; convert it first.");
            var start = end;
            end += tensor.NumberOfElements * tensor.ElementSize;
            json[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. tensor.shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(start, end),
            };
        }
        var text = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString());
        var padded = (text.Length + 7) / 8 * 8; // tensors begin at multiples of 8 bytes
        var header = new byte[8 + padded];
        BinaryPrimitives.WriteInt64LittleEndian(header, padded);
        text.CopyTo(header, 8);
        header.AsSpan(8 + text.Length).Fill((byte)' ');
        return header;
    }

    private static unsafe void WriteBytes(FileStream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        var start = (byte*)Aten.DataPointer(plain);
        var bytes = plain.NumberOfElements * plain.ElementSize;
        for (var at = 0L; at < bytes; at += MaxPiece)
            stream.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(bytes - at, MaxPiece)));
    }
}
