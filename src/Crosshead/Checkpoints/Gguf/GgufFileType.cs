namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The recipe that a GGUF file's types of tensors follow, such as <c>Q4_K_M</c>. It says what most tensors have, and is
/// for display only: each tensor names its own type.
/// </summary>
internal static class GgufFileType
{
    private const string Key = "general.file_type";

    private static readonly Dictionary<long, string> s_names = new()
    {
        [0] = "F32",
        [1] = "F16",
        [2] = "Q4_0",
        [3] = "Q4_1",
        [7] = "Q8_0",
        [8] = "Q5_0",
        [9] = "Q5_1",
        [14] = "Q4_K_S",
        [15] = "Q4_K_M",
        [16] = "Q5_K_S",
        [17] = "Q5_K_M",
        [18] = "Q6_K",
        [32] = "BF16",
        [38] = "MXFP4",
    };

    /// <summary>The recipe's name; null if the file names none, or one that is not known.</summary>
    public static string? Of(GgufMetadata metadata) =>
        metadata.TypeOf(Key) is GgufValueType.UInt32 && !metadata.IsList(Key)
            ? s_names.GetValueOrDefault(metadata.Integer(Key)!.Value) : null;
}
