using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>What is asked of it, from any thread.</content>
public sealed partial class RaftDriver
{
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMilliseconds(50);

    private readonly PendingCalls<ProposalOutcome> _proposals;
    private readonly PendingCalls<ReadOutcome> _reads;
    private long _proposalBytes;
    private long _receivedBytes;

    /// <summary>Calls that the core's thread has not taken, whether or not somebody still waits for them.</summary>
    private int _callsBeforeCore;

    private int _isExpiring;

    /// <summary>
    /// Proposes a command. The bytes must not change any more: they become part of the log. Awaited exactly once.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled: what becomes of it is unknown.</exception>
    public ValueTask<ProposalOutcome> ProposeAsync(
        ReadOnlyMemory<byte> command, TimeSpan timeout, CancellationToken cancellation = default) =>
        ProposeAsync(command, timeout, 0, cancellation);

    /// <summary>
    /// Proposes a command only if this member leads in a term (<see cref="LeadTerm"/>): what was checked in that one.
    /// 0: in whatever.
    /// </summary>
    /// <inheritdoc cref="ProposeAsync(ReadOnlyMemory{byte}, TimeSpan, CancellationToken)" path="/exception"/>
    public ValueTask<ProposalOutcome> ProposeAsync(
        ReadOnlyMemory<byte> command, TimeSpan timeout, ulong term, CancellationToken cancellation = default)
    {
        if (!IsLeader)
        {
            return new(new ProposalOutcome(CallStatus.NotLeader));
        }

        if (command.Length > _options.Raft.CommandBytesMax)
        {
            return new(new ProposalOutcome(
                CallStatus.TooLarge, Reason: $"A command has at most {_options.Raft.CommandBytesMax} bytes."));
        }

        if (Interlocked.Add(ref _proposalBytes, command.Length) > _options.ProposalBytesMax)
        {
            Interlocked.Add(ref _proposalBytes, -command.Length);
            return new(new ProposalOutcome(CallStatus.Busy, Reason: "Too much waits to be proposed."));
        }

        var task = Begin(CoreInputKind.Propose, null, command, timeout, cancellation, out var isBegun, term);
        if (!isBegun)
        {
            Interlocked.Add(ref _proposalBytes, -command.Length);
        }

        return task;
    }

    /// <summary>Changes the members (<see cref="RaftCore.ChangeMembership"/>); done when the first step is
    /// applied.</summary>
    /// <inheritdoc cref="ProposeAsync(ReadOnlyMemory{byte}, TimeSpan, CancellationToken)" path="/exception"/>
    public ValueTask<ProposalOutcome> ChangeMembershipAsync(
        RaftConfiguration target, TimeSpan timeout, CancellationToken cancellation = default) =>
        Begin(CoreInputKind.ChangeMembership, new MemberChange(null, target), default, timeout, cancellation, out _);

    /// <summary>The same, if the members are still those that the change was thought out for; else refused.</summary>
    /// <inheritdoc cref="ProposeAsync(ReadOnlyMemory{byte}, TimeSpan, CancellationToken)" path="/exception"/>
    public ValueTask<ProposalOutcome> ChangeMembershipAsync(
        RaftConfiguration from,
        RaftConfiguration target,
        TimeSpan timeout,
        CancellationToken cancellation = default) =>
        Begin(CoreInputKind.ChangeMembership, new MemberChange(from, target), default, timeout, cancellation, out _);

    /// <summary>Hands the leadership over; done means that it has begun.</summary>
    /// <inheritdoc cref="ProposeAsync(ReadOnlyMemory{byte}, TimeSpan, CancellationToken)" path="/exception"/>
    public ValueTask<ProposalOutcome> TransferLeadershipAsync(
        MemberId target, TimeSpan timeout, CancellationToken cancellation = default) =>
        Begin(CoreInputKind.Transfer, new Boxed(target), default, timeout, cancellation, out _);

    /// <summary>
    /// Hands the leadership to the member that has most of the log, if this one has it, and waits until another one
    /// leads; for so long at most.
    /// </summary>
    public async Task HandOverAsync(TimeSpan limit)
    {
        var status = await StatusAsync(limit).ConfigureAwait(false);
        if (!IsLeader || BestHeir(status) is not { } heir)
        {
            return;
        }

        await TransferLeadershipAsync(heir, limit).ConfigureAwait(false);
        var until = Stopwatch.GetTimestamp() + (long)(limit.TotalSeconds * Stopwatch.Frequency);
        using var timer = new PeriodicTimer(_options.Timing.Tick);
        while ((IsLeader || Leader == default) && !_isStopping && Stopwatch.GetTimestamp() < until)
        {
            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Ends when the state machine may be read: what it has then is at least as new as every answer that anybody got
    /// before this call (linearizable, by ReadIndex; no clock is trusted). Awaited exactly once.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<ReadOutcome> ReadAsync(TimeSpan timeout, CancellationToken cancellation = default)
    {
        var now = Stopwatch.GetTimestamp();
        if (!HasRoomBeforeCore() || _reads.TryBegin(now, Deadline(now, timeout)) is not { } call)
        {
            return new(new ReadOutcome(CallStatus.Busy));
        }

        var lease = call.Lease;
        Interlocked.Increment(ref _callsBeforeCore);
        if (!_core.Add(new CoreInput(CoreInputKind.Read, call, default, (ulong)lease)))
        {
            call.TryEnd(lease, new ReadOutcome(CallStatus.NotLeader));
        }

        return call.AsTask(cancellation);
    }

    /// <summary>Proposals and reads that somebody waits for.</summary>
    public int CallsUnderWay => _proposals.Count + _reads.Count;

    /// <summary>A look at the core, which takes its turn with everything else.</summary>
    public async ValueTask<RaftStatus> StatusAsync(TimeSpan timeout, CancellationToken cancellation = default)
    {
        var source = new TaskCompletionSource<RaftStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        return _core.Add(new CoreInput(CoreInputKind.Status, source, default, 0))
            ? await source.Task.WaitAsync(timeout, cancellation).ConfigureAwait(false)
            : throw new DistFsException(ErrorCatalog.MemberStopped, $"Metaserver {Self} has stopped.");
    }

    /// <inheritdoc/>
    public bool Receive(IReadOnlyList<RaftMessage> messages, int bytes)
    {
        if (Interlocked.Add(ref _receivedBytes, bytes) > _options.ReceivedBytesMax
            || !_core.Add(new CoreInput(CoreInputKind.Messages, messages, default, (ulong)bytes)))
        {
            Interlocked.Add(ref _receivedBytes, -bytes);
            return false;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Unreachable(MemberId member) =>
        _core.Add(new CoreInput(CoreInputKind.Unreachable, null, default, member.Value));

    /// <inheritdoc/>
    public void Gone(MemberId member) =>
        _core.Add(new CoreInput(CoreInputKind.Gone, null, default, member.Value));

    private ValueTask<ProposalOutcome> Begin(
        CoreInputKind kind,
        object? subject,
        ReadOnlyMemory<byte> command,
        TimeSpan timeout,
        CancellationToken cancellation,
        out bool isBegun,
        ulong term = 0)
    {
        isBegun = false;
        var now = Stopwatch.GetTimestamp();
        if (!HasRoomBeforeCore() || _proposals.TryBegin(now, Deadline(now, timeout)) is not { } call)
        {
            return new(new ProposalOutcome(CallStatus.Busy, Reason: "Too many calls are under way."));
        }

        var lease = call.Lease;
        Interlocked.Increment(ref _callsBeforeCore);
        isBegun = _core.Add(new CoreInput(kind, call, command, (ulong)lease, subject, term));
        if (!isBegun)
        {
            call.TryEnd(lease, new ProposalOutcome(CallStatus.NotLeader, Reason: "This member has stopped."));
        }

        return call.AsTask(cancellation);
    }

    /// <summary>
    /// Calls whose time is over make room for others, but stay in the core's queue until it looks at them, which it
    /// does not while it waits for the disk.
    /// </summary>
    private bool HasRoomBeforeCore() => Volatile.Read(ref _callsBeforeCore) < 2L * _options.CallsMax;

    /// <summary>
    /// Called by a timer: no wait of a caller may depend on a lane, since each of them waits for the disk or for the
    /// state machine at times.
    /// </summary>
    private void ExpireCalls()
    {
        if (Interlocked.Exchange(ref _isExpiring, 1) != 0)
        {
            return;
        }

        var now = Stopwatch.GetTimestamp();
        _proposals.Expire(now, TimeIsOver);
        _reads.Expire(now, new ReadOutcome(CallStatus.Unknown));
        Volatile.Write(ref _isExpiring, 0);
    }

    private static long Deadline(long now, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return timeout.TotalDays > 1 ? long.MaxValue : now + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
    }

    private sealed record Boxed(MemberId Member);

    private sealed record MemberChange(RaftConfiguration? From, RaftConfiguration Target);
}
