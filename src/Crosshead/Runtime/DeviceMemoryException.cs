namespace Crosshead.Runtime;

/// <summary>
/// A device, the processor's memory included, has less memory than the work needs. The message says how much and what
/// needs less.
/// </summary>
public sealed class DeviceMemoryException : CrossheadException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public DeviceMemoryException(string message) : base(message) { }

    /// <summary>Creates the error with its one-line message and the allocation that failed.</summary>
    public DeviceMemoryException(string message, Exception inner) : base(message, inner) { }
}
