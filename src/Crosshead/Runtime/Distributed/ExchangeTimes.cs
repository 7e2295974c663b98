namespace Crosshead.Runtime.Distributed;

/// <summary>How long exchanges of tensors took on one rank.</summary>
/// <param name="Exchanged">From the beginning of each exchange to its end, including what other ranks were waited
/// for.</param>
/// <param name="Waited">How long the computation stood still until an exchange was done.</param>
public readonly record struct ExchangeTimes(TimeSpan Exchanged, TimeSpan Waited);
