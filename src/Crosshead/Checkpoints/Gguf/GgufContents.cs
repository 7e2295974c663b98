using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>A parameter as a tensor of a GGUF file, under its own name and in its own order.</summary>
internal sealed class GgufContents
{
    private readonly Parameter _parameter;
    private readonly ScalarType _type;
    private readonly GgufType _stored;
    private readonly bool _copies;

    private GgufContents(Parameter parameter, ScalarType type)
    {
        (_parameter, _type) = (parameter, type);
        var own = parameter.Stored is { } stored ? GgufType.Of(stored.Format) : null;
        _copies = own is not null;
        _stored = own ?? GgufType.Of(type) ?? throw new CrossheadException(
            $"weights beside quantised ones cannot be stored as {type}; choose Float32, BFloat16 or Float16.");
        Bytes = parameter.Shape.Aggregate(1L, (product, size) => product * size) / _stored.BlockSize
            * _stored.BlockBytes;
    }

    /// <summary>Bytes of the tensor.</summary>
    public long Bytes { get; }

    /// <summary>Describes a parameter. One that lies in memory in a type of the format keeps its bytes.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="type">Precision of another.</param>
    /// <exception cref="CrossheadException">The format does not have the precision.</exception>
    public static GgufContents Of(Parameter parameter, ScalarType type) => new(parameter, type);

    /// <summary>Adds the tensor to a file.</summary>
    /// <exception cref="CrossheadException">The name is none of the format.</exception>
    public void AddTo(GgufWriter writer) => writer.AddTensor(_parameter.Name, _stored, [.. _parameter.Shape], Write);

    private void Write(Stream stream)
    {
        if (_copies)
        {
            var stored = _parameter.Stored!;
            for (var row = 0L; row < stored.Rows; row++) stream.Write(stored.BytesOf(row));
            return;
        }
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        TensorBytes.Write(stream, _parameter.In(_type).detach().cpu().contiguous());
    }
}
