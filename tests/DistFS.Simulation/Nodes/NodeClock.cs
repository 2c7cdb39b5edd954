namespace DistFS.Simulation;

/// <summary>The clocks of a member's machine: the wall's, which jumps, and the monotonic one.</summary>
/// <param name="world">Whose time it is.</param>
/// <param name="node">The member.</param>
/// <param name="epoch">What a wall clock shows at the start of the world, if it is right.</param>
public sealed class NodeClock(World world, SimulatedNode node, DateTimeOffset epoch) : TimeProvider
{
    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.MicrosecondsPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => epoch + TimeSpan.FromMicroseconds(node.WallClock);

    /// <inheritdoc/>
    public override long GetTimestamp() => world.Queue.Now;
}
