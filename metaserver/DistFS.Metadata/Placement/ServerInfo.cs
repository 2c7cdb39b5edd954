using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>A chunk server, as placement sees it.</summary>
/// <param name="Id">Not zero.</param>
/// <param name="Rack">What it fails together with.</param>
/// <param name="CapacityBytes">What it can store, from 0 to <see cref="CapacityBytesMax"/>.</param>
/// <param name="UsedBytes">What it stores, as last reported.</param>
/// <param name="State">What it is good for.</param>
public readonly record struct ServerInfo(
    ServerId Id, RackId Rack, long CapacityBytes, long UsedBytes, ServerState State)
{
    /// <summary>64 PiB: beyond any server, and small enough that products of sums stay within 128 bits.</summary>
    public const long CapacityBytesMax = 1L << 56;

    /// <summary>Whether the numbers are ones that placement can calculate with.</summary>
    public bool IsValid =>
        Id.Value != 0 && CapacityBytes is >= 0 and <= CapacityBytesMax && UsedBytes is >= 0 and <= CapacityBytesMax
        && State is >= ServerState.Up and <= ServerState.Dead;
}
