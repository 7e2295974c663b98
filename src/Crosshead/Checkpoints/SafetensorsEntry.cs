using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where its bytes begin, from the start of the file.</param>
/// <param name="Bytes">How many there are.</param>
public sealed record SafetensorsEntry(string Name, ScalarType Type, long[] Shape, long Offset, long Bytes);
