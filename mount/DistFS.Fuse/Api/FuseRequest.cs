namespace DistFS.Fuse;

/// <summary>
/// A request under way, valid until it is answered. Its memory serves other requests then: every use after the answer
/// is a defect, and throws.
/// </summary>
public readonly struct FuseRequest : IEquatable<FuseRequest>
{
    private readonly RequestState? _state;
    private readonly long _lease;

    internal FuseRequest(RequestState state)
    {
        _state = state;
        _lease = state.Lease;
    }

    /// <summary>What is asked for.</summary>
    public Opcode Opcode => State.Header.Opcode;

    /// <summary>Number of the request in this mount.</summary>
    public ulong Unique => State.Header.Unique;

    /// <summary>The node that it is about.</summary>
    public ulong NodeId => State.Header.NodeId;

    /// <summary>Who asks.</summary>
    public FuseCaller Caller => new(State.Header.Uid, State.Header.Gid, State.Header.Pid);

    /// <summary>
    /// Ends when the one who asks does not wait any more (a signal), and when the file system ends. The request still
    /// needs its answer, <see cref="Errno.EINTR"/> say. Allocates at the first use; only after <see cref="Defer"/>.
    /// </summary>
    public CancellationToken Interrupted => State.GetInterrupted(_lease);

    /// <summary>
    /// The group of the directory, where the kernel says that the caller is in it (CREATE_SUPP_GROUP); else null.
    /// </summary>
    public uint? SupplementaryGroup => State.GetSupplementaryGroup();

    internal RequestState State =>
        _state is { } state && state.IsOpen(_lease)
            ? state
            : throw new InvalidOperationException("The FUSE request was answered already.");

    internal long Lease => _lease;

    /// <summary>
    /// Somebody answers later, from any thread: called once, in the handler, before anybody else sees the request.
    /// </summary>
    public void Defer() => State.Defer(_lease);

    internal RequestState Claim()
    {
        (_state ?? throw new InvalidOperationException("This is no FUSE request.")).Claim(_lease);
        return _state;
    }

    /// <inheritdoc/>
    public bool Equals(FuseRequest other) => ReferenceEquals(_state, other._state) && _lease == other._lease;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is FuseRequest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_state, _lease);

    /// <summary>The same request.</summary>
    public static bool operator ==(FuseRequest left, FuseRequest right) => left.Equals(right);

    /// <summary>Another request.</summary>
    public static bool operator !=(FuseRequest left, FuseRequest right) => !left.Equals(right);
}

/// <summary>Who asks: numbers of the mount's own user and process namespaces.</summary>
/// <param name="Uid">User for access to files.</param>
/// <param name="Gid">Group for access to files.</param>
/// <param name="ProcessId">Thread that asks; 0 for the kernel itself and for other namespaces.</param>
public readonly record struct FuseCaller(uint Uid, uint Gid, uint ProcessId)
{
    /// <summary>
    /// Reads the supplementary groups from /proc. Valid while the caller waits, so before the answer; a caller that is
    /// gone, or is in another namespace, has none.
    /// </summary>
    /// <returns>Group ids without <see cref="Gid"/>, or an empty array.</returns>
    public uint[] ReadSupplementaryGroups() => CallerGroups.Read(ProcessId);
}
