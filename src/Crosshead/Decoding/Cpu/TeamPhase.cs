namespace Crosshead.Decoding.Cpu;

/// <summary>A phase of the work of a <see cref="ThreadTeam"/>. Its items are independent of each other.</summary>
/// <param name="Items">Returns the number of items in the current run.</param>
/// <param name="Work">Does items. Arguments: the first item, one past the last item, and the member that does
/// them.</param>
/// <param name="Prepare">Work that a member does for itself before its first item of the phase; null for none.</param>
/// <param name="Pieces">Returns the number of pieces that the share of each member is cut into in a run, when the run
/// begins: 0 where all members leave the phase out; null for one.</param>
/// <param name="Reads">Returns the weights that items begin with. Arguments: the first item, and one past the last.
/// Members read some of them while they wait in phases before; null where there are none.</param>
internal sealed record TeamPhase(Func<int> Items, Action<int, int, int> Work, Action<int>? Prepare = null,
    Func<int>? Pieces = null, Func<int, int, WeightStreams>? Reads = null);
