using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <content>The core's thread.</content>
public sealed partial class RaftDriver
{
    private readonly LaneQueue<CoreInput> _core = new();
    private readonly List<(PendingCall<ReadOutcome> Call, int Lease)> _readBatch = [];
    private readonly Dictionary<ulong, ReadBatch> _readsAsked = [];
    private readonly long _length;
    private ulong _leader;
    private ulong _leadership;
    private ulong _leadTerm;
    private ulong _readContext;
    private LogIndex _lastProposed;
    private long _nextLook;
    private long _endProposalsAt;
    private bool _isLeading;

    void IReadyHost.Send(RaftMessage message) => _transport.Send(message);

    void IReadyHost.QueueDisk(RaftReady ready) => _disk.Add(new DiskItem(ready, null));

    void IReadyHost.QueueApply(ApplyWork work)
    {
        if (work.Entries.Count > 0)
        {
            Volatile.Write(ref _committed, work.Entries[^1].Index.Value);
        }

        _apply.Add(new ApplyItem(work, null));
    }

    void IReadyHost.OnReadGranted(ReadGranted read)
    {
        if (_readsAsked.Remove(read.Context, out var batch))
        {
            GrantOrWait(batch, read.Index);
        }
    }

    void IReadyHost.OnReadRefused(ulong context)
    {
        if (_readsAsked.Remove(context, out var batch))
        {
            EndReads(batch, new ReadOutcome(CallStatus.NotLeader));
        }
    }

    void IReadyHost.OnEvent(RaftEvent happened)
    {
        LogEvent(happened);
        _metrics.Count(happened.Kind);
        switch (happened.Kind)
        {
            case RaftEventKind.Leader:
                _isLeading = true;
                Volatile.Write(ref _leadership, happened.Term.Value);

                // What was proposed under an earlier leadership may have been cut off.
                _lastProposed = default;
                break;
            case RaftEventKind.Follower or RaftEventKind.PreCandidate or RaftEventKind.Candidate when _isLeading:
                // The next leader mostly commits what this one has sent; who waits learns it from the entry itself, or
                // after a while that it is not known.
                _isLeading = false;
                _endProposalsAt = Stopwatch.GetTimestamp()
                    + (long)(_options.Timing.Election.TotalSeconds * Stopwatch.Frequency);
                break;
            case RaftEventKind.ConfigurationChanged or RaftEventKind.SnapshotInstalled:
                _configuration = _executor.Core.Status.Configuration;
                _transport.Follow(_configuration);
                break;
            default:
                break;
        }
    }

    private void RunCore()
    {
        var core = _executor.Core;
        var clock = new TickClock(_length, Stopwatch.GetTimestamp());
        var timing = _options.Timing;
        while (true)
        {
            var wait = core.HasReady ? 0 : clock.Until(Stopwatch.GetTimestamp());
            if (_core.TakeAll(TimeSpan.FromSeconds((double)wait / Stopwatch.Frequency)) is not { } inputs)
            {
                return;
            }

            // Before the inputs: a leader that was paused finds out that it led before it looks at anything else.
            var now = Stopwatch.GetTimestamp();
            var ticks = clock.Take(now, _isLeading, timing.HeartbeatTicks, timing.ElectionTicks);
            for (var i = 0; i < ticks; i++)
            {
                core.Tick();
            }

            for (var i = 0; i < inputs.Count; i++)
            {
                Handle(inputs[i]);
            }

            AskForReads();
            if (core.HasReady)
            {
                _executor.Advance();
                _transport.Flush();
            }

            Volatile.Write(ref _leader, core.Leader.Value);
            Volatile.Write(ref _leadTerm, core.Leader == Self ? core.Term.Value : 0);
            if (now >= _nextLook)
            {
                _nextLook = now + (Stopwatch.Frequency / 20);
                LookAround(now);
            }
        }
    }

    private void Handle(in CoreInput input)
    {
        var core = _executor.Core;
        switch (input.Kind)
        {
            case CoreInputKind.Messages:
                var messages = (IReadOnlyList<RaftMessage>)input.Subject!;
                for (var i = 0; i < messages.Count; i++)
                {
                    core.Step(messages[i]);
                }

                Interlocked.Add(ref _receivedBytes, -(long)input.Number);
                break;
            case CoreInputKind.Propose or CoreInputKind.ChangeMembership or CoreInputKind.Transfer:
                HandleProposal(input);
                break;
            case CoreInputKind.Read:
                Interlocked.Decrement(ref _callsBeforeCore);
                _readBatch.Add(((PendingCall<ReadOutcome>)input.Subject!, (int)input.Number));
                break;
            case CoreInputKind.Status:
                ((TaskCompletionSource<RaftStatus>)input.Subject!).TrySetResult(core.Status);
                break;
            case CoreInputKind.Persisted: _executor.Persisted(input.Number); break;
            case CoreInputKind.Applied: _executor.Applied(new LogIndex(input.Number)); break;
            case CoreInputKind.Unreachable: core.Unreachable(new MemberId(input.Number)); break;
            case CoreInputKind.Gone: core.Gone(new MemberId(input.Number)); break;
            case CoreInputKind.SnapshotDue: HandleSnapshotDue(); break;
            case CoreInputKind.SnapshotMade: HandleSnapshotMade(input.Subject as SnapshotMeta); break;
            default: Check.Fail($"{input.Kind} has no place here"); break;
        }
    }

    private void HandleProposal(in CoreInput input)
    {
        var core = _executor.Core;
        var call = (PendingCall<ProposalOutcome>)input.Subject!;
        var lease = (int)input.Number;
        Interlocked.Add(ref _proposalBytes, -input.Bytes.Length);
        Interlocked.Decrement(ref _callsBeforeCore);
        if (!call.IsWaiting(lease))
        {
            // Its time was over while it waited; whoever asked does not look any more.
            return;
        }

        if (input.Kind == CoreInputKind.Transfer)
        {
            call.TryEnd(lease, new ProposalOutcome(StatusOf(core.TransferLeadership(((Boxed)input.Second!).Member))));
            return;
        }

        if (input.Kind == CoreInputKind.Propose && _lastProposed.Value > Applied.Value + _options.UnappliedEntriesMax)
        {
            call.TryEnd(lease, new ProposalOutcome(CallStatus.Busy, Reason: "Too much is not applied yet."));
            return;
        }

        if (input.Term != 0 && (core.Leader != Self || core.Term.Value != input.Term))
        {
            call.TryEnd(lease, new ProposalOutcome(CallStatus.NotLeader, Reason: "It led in another term."));
            return;
        }

        var result = input.Kind == CoreInputKind.Propose
            ? core.Propose(input.Bytes)
            : ChangeMembers(core, (MemberChange)input.Second!);
        if (result.Status == ProposeStatus.Accepted)
        {
            if (_proposed.LastTerm is var term && term.Value != 0 && term != result.Id.Term)
            {
                // Those of an earlier leadership of this member: their places in the log are not in order with the new.
                EndProposals();
            }

            _lastProposed = result.Id.Index;
            _proposed.Add(result.Id, call, lease);
        }
        else
        {
            call.TryEnd(lease, new ProposalOutcome(StatusOf(result.Status), Reason: result.Reason));
        }
    }

    private static ProposeResult ChangeMembers(RaftCore core, MemberChange change) =>
        change.From == null || core.Status.Configuration.Equals(change.From)
            ? core.ChangeMembership(change.Target)
            : new ProposeResult(ProposeStatus.Refused, Reason: "The members have changed meanwhile.");

    private static CallStatus StatusOf(ProposeStatus status) => status switch
    {
        ProposeStatus.Accepted => CallStatus.Done,
        ProposeStatus.NotLeader => CallStatus.NotLeader,
        ProposeStatus.Busy => CallStatus.Busy,
        ProposeStatus.TooLarge => CallStatus.TooLarge,
        _ => CallStatus.Refused,
    };

    /// <summary>All reads of a round are one for the core.</summary>
    private void AskForReads()
    {
        if (_readBatch.Count == 0)
        {
            return;
        }

        var batch = new ReadBatch([.. _readBatch]);
        _readBatch.Clear();
        var context = ++_readContext;
        _readsAsked.Add(context, batch);
        var status = _executor.Core.RequestRead(context);
        if (status != ProposeStatus.Accepted)
        {
            _readsAsked.Remove(context);
            EndReads(batch, new ReadOutcome(StatusOf(status)));
        }
    }

    /// <summary>Now and then: what nobody waits for any more, and whether the disk still answers.</summary>
    private void LookAround(long now)
    {
        ForgetEndedCalls();
        AskForSnapshot();
        if (_endProposalsAt != 0 && now >= _endProposalsAt)
        {
            _endProposalsAt = 0;
            if (!_isLeading)
            {
                EndProposals();
            }
        }

        var busySince = Volatile.Read(ref _diskBusySince);
        if (_isLeading && busySince != 0 && Stopwatch.GetElapsedTime(busySince, now) > _options.DiskStall
            && Stopwatch.GetElapsedTime(_lastHandOver, now) > _options.Timing.Election)
        {
            _lastHandOver = now;
            HandOver(Stopwatch.GetElapsedTime(busySince, now));
        }
    }

    private void ForgetEndedCalls()
    {
        lock (_readGate)
        {
            _readsWaiting.RemoveAll(static waiting => !waiting.Batch.IsAwaited);
        }

        // More than there are calls: then some have ended without having been applied.
        if (_proposed.Count > _proposals.Count)
        {
            _proposed.ForgetEnded();
        }
    }

    /// <summary>
    /// The own disk hangs: others can commit without it, but nothing is answered before it is on the leader's own disk
    /// too.
    /// </summary>
    private void HandOver(TimeSpan stalled)
    {
        var heir = BestHeir(_executor.Core.Status);
        LogDiskStalled(_options.Logger, Self, stalled, heir ?? default);
        if (heir is { } target)
        {
            _executor.Core.TransferLeadership(target);
        }
    }

    /// <summary>The active voter that has most of the log.</summary>
    private static MemberId? BestHeir(RaftStatus status)
    {
        MemberProgress? best = null;
        foreach (var member in status.Progress)
        {
            if (member.IsActive && status.Configuration.IsVoter(member.Id) && !(member.Match <= best?.Match))
            {
                best = member;
            }
        }

        return best?.Id;
    }

    private sealed class ReadBatch((PendingCall<ReadOutcome> Call, int Lease)[] calls)
    {
        public (PendingCall<ReadOutcome> Call, int Lease)[] Calls => calls;

        public bool IsAwaited => Array.Exists(calls, static call => call.Call.IsWaiting(call.Lease));
    }
}
