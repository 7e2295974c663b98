using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>libtorch refused an operator; the message is libtorch's own.</summary>
public sealed class LibTorchException : ExternalException
{
    /// <summary>Creates the exception with libtorch's message.</summary>
    public LibTorchException(string message) : base(message) { }
}
