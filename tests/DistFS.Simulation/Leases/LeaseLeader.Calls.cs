using DistFS.Metadata.Leases;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <content>What sessions ask.</content>
public sealed partial class LeaseLeader
{
    // Renewing is an entry of the log: not with every recall.
    private const int RenewalsPerLease = 8;
    private const int RecallsMax = 8;
    private const long WaitMs = 1_500;

    private readonly SortedDictionary<ulong, Wait> _waits = [];

    private void Handle(LeaseCall call)
    {
        switch (call.Ask)
        {
            case AcquireLease acquire:
                Join(call, () => Acquire(call, acquire));
                break;
            case ReleaseLease release:
                Release(call, release);
                break;
            case ReclaimLeases reclaim:
                Join(call, () => Reclaim(call, reclaim));
                break;
            case WaitForRecalls wait:
                Join(call, () => Renew(call, wait));
                break;
            case LeasedChange change:
                Change(call, change);
                break;
            case LeasedLook look:
                Look(call, look);
                break;
        }
    }

    /// <summary>The ticket passes or ends, now or later.</summary>
    private void Enter(LeaseTicket ticket, long waitMs, Action then)
    {
        ticket.WaitMs = waitMs;
        ticket.Owner = then;
        _table.Enter(ticket, NowMs);
        Dispatch();
        if (ticket.State != LeaseTicketState.Waiting)
        {
            then();
        }
    }

    private void Acquire(LeaseCall call, AcquireLease asked)
    {
        var ticket = new LeaseTicket(LeaseTicketKind.Acquire, asked.Session);
        ticket.Need(asked.Mode == LeaseMode.Write ? LeaseNeedKind.Change : LeaseNeedKind.Look, asked.Inode);
        Enter(ticket, asked.WaitMs, () =>
        {
            if (ticket.State != LeaseTicketState.Passed)
            {
                Refuse(call, ticket.Refusal);
                return;
            }

            // Only now: this member leads after the lease was in its table, so every leader after it begins later.
            _node.ReadIndex(isGranted =>
            {
                var isTold = isGranted && IsCurrent && ticket.Epoch == _table.Epoch
                    && LeaseHolders.Find(Rows, asked.Session, out _) != null;
                if (!isTold)
                {
                    _table.Withdraw(ticket);
                    Dispatch();
                    Refuse(call, IsCurrent ? LeaseRefusal.NotInTime : LeaseRefusal.NotLeader);
                    return;
                }

                Answer(call, new LeaseAnswer(call.Number, LeaseRefusal.None, ticket.Epoch)
                {
                    Grant = ticket.Grant,
                    Mode = ticket.Mode,
                    Value = ValueOf(asked.Inode),
                });
            });
        });
    }

    private void Release(LeaseCall call, ReleaseLease asked)
    {
        if (asked.Epoch != _table.Epoch)
        {
            Refuse(call, LeaseRefusal.TooLate);
            return;
        }

        _table.Release(asked.Session, new InodeId(asked.Inode), asked.Grant, asked.Keep);
        Dispatch();
        Refuse(call, LeaseRefusal.None);
    }

    private void Reclaim(LeaseCall call, ReclaimLeases asked)
    {
        if (asked.Epoch != _table.Epoch)
        {
            Refuse(call, LeaseRefusal.TooLate);
            return;
        }

        var grants = new List<ulong>();
        foreach (var (inode, mode) in asked.Held)
        {
            _table.Reclaim(asked.Session, new InodeId(inode), mode, out var grant);
            grants.Add(grant);
        }

        _table.ReclaimDone(asked.Session);
        Dispatch();

        // As with a grant: nothing is told that a later leader may not wait for.
        _node.ReadIndex(isGranted =>
        {
            if (!isGranted || !IsCurrent || _table.Epoch != asked.Epoch)
            {
                Refuse(call, LeaseRefusal.NotLeader);
                return;
            }

            Answer(call, new LeaseAnswer(call.Number, LeaseRefusal.None, asked.Epoch) { Grants = grants });
        });
    }

    private void Renew(LeaseCall call, WaitForRecalls asked)
    {
        var epoch = _table.Epoch;
        if (_waits.TryGetValue(asked.Session.Value, out var wait) && wait.Epoch == epoch
            && NowMs - wait.RenewedMs < wait.LeaseMs / RenewalsPerLease)
        {
            Await(call, asked, isRenewed: false);
            return;
        }

        var command = new MetadataCommand { Client = asked.Session.Value, KeepAlive = new KeepAliveRequest() };
        var isAccepted = _node.Propose(command.ToByteArray(), bytes =>
        {
            if (bytes is not { } reply || !IsCurrent || _table.Epoch != epoch)
            {
                Refuse(call, LeaseRefusal.NotLeader);
                return;
            }

            if (MetadataReply.Parser.ParseFrom(reply.Span).Status != 0)
            {
                Ended(asked.Session);
                Refuse(call, LeaseRefusal.NoSession);
                return;
            }

            if (Found(asked.Session) is not LeaseRefusal.None and var lost)
            {
                Refuse(call, lost);
                return;
            }

            var holder = LeaseHolders.Find(Rows, asked.Session, out _)!.Value;
            if (!_waits.TryGetValue(asked.Session.Value, out var known))
            {
                _waits[asked.Session.Value] = known = new Wait();
            }

            (known.Epoch, known.RenewedMs, known.LeaseMs) = (epoch, NowMs, (long)holder.LeaseMs);
            Await(call, asked, isRenewed: true);
        });
        if (!isAccepted)
        {
            Refuse(call, LeaseRefusal.NotLeader);
        }
    }

    /// <summary>Until there is something to tell, at most a third of the lease time.</summary>
    private void Await(LeaseCall call, WaitForRecalls asked, bool isRenewed)
    {
        if (TryTell(call, asked, isRenewed, isLast: false))
        {
            return;
        }

        var wait = _waits[asked.Session.Value];
        Wake(asked.Session);
        var isAnswered = false;
        var wake = wait.Wake = () =>
        {
            if (!isAnswered)
            {
                isAnswered = true;
                TryTell(call, asked, isRenewed, isLast: true);
            }
        };
        _node.Do(wait.LeaseMs * 1_000 / 3, wake);
    }

    private void Wake(ClientId session)
    {
        if (_waits.TryGetValue(session.Value, out var wait) && wait.Wake is { } wake)
        {
            wait.Wake = null;
            _node.Do(0, wake);
        }
    }

    private bool TryTell(LeaseCall call, WaitForRecalls asked, bool isRenewed, bool isLast)
    {
        if (!IsCurrent)
        {
            Refuse(call, LeaseRefusal.NotLeader);
            return true;
        }

        var isNews = asked.Epoch != _table.Epoch;
        var recalls = new List<LeaseRecall>();
        _table.Recalls(asked.Session, isNews ? 0 : asked.Seen, RecallsMax, recalls);
        if (!isNews && recalls.Count == 0 && !isLast)
        {
            return false;
        }

        Answer(call, new LeaseAnswer(call.Number, LeaseRefusal.None, _table.Epoch)
        {
            Recalls = recalls,
            IsRenewed = isRenewed,
            MustReclaim = _table.MayReclaim(asked.Session),
        });
        return true;
    }

    private void Change(LeaseCall call, LeasedChange asked)
    {
        var request = LeasedValues.ToRequest(asked.Inode, asked.Value);
        var ticket = new LeaseTicket(LeaseTicketKind.Operation, asked.Session);
        new LeaseRules(ticket).Add(request);
        Enter(ticket, WaitMs, () =>
        {
            if (ticket.State != LeaseTicketState.Passed)
            {
                Refuse(call, ticket.Refusal);
                return;
            }

            // Only in the term in which it was checked.
            var command = new MetadataCommand
            {
                Client = asked.Session.Value,
                Sequence = asked.Sequence.Value,
                Mutate = request.ToByteString(),
            };
            if (!IsCurrent || ticket.Epoch != Term
                || !_node.Propose(command.ToByteArray(), bytes => Changed(call, ticket, bytes)))
            {
                Leave(ticket);
                Refuse(call, IsCurrent ? LeaseRefusal.NotInTime : LeaseRefusal.NotLeader);
            }
        });
    }

    private void Changed(LeaseCall call, LeaseTicket ticket, ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is not { } reply)
        {
            // Another leader's entry: the table is over, and nothing is known of this one.
            return;
        }

        Leave(ticket);
        var status = MetadataReply.Parser.ParseFrom(reply.Span);
        var refusal = status.Mutate != null ? LeaseRefusal.None
            : status.Code == ErrorCatalog.SessionEnded.Number ? LeaseRefusal.NoSession
            : LeaseRefusal.NotInTime;
        Refuse(call, refusal);
    }

    private void Look(LeaseCall call, LeasedLook asked)
    {
        if (_table.IsReadFree)
        {
            Read(call, asked);
            return;
        }

        var ticket = new LeaseTicket(LeaseTicketKind.Look, asked.Session);
        ticket.Need(LeaseNeedKind.Look, asked.Inode);
        Enter(ticket, WaitMs, () =>
        {
            var refusal = ticket.State == LeaseTicketState.Passed ? LeaseRefusal.None : ticket.Refusal;
            Leave(ticket);
            if (refusal == LeaseRefusal.None)
            {
                Read(call, asked);
            }
            else
            {
                Refuse(call, refusal);
            }
        });
    }

    private void Read(LeaseCall call, LeasedLook asked)
    {
        var epoch = _table.Epoch;
        _node.ReadIndex(isGranted =>
        {
            if (!isGranted || !IsCurrent || _table.Epoch != epoch)
            {
                Refuse(call, LeaseRefusal.NotLeader);
                return;
            }

            Answer(call, new LeaseAnswer(call.Number, LeaseRefusal.None, epoch) { Value = ValueOf(asked.Inode) });
        });
    }

    private void Leave(LeaseTicket ticket)
    {
        _table.Leave(ticket);
        Dispatch();
    }

    /// <summary>A session's call that waits for recalls.</summary>
    private sealed class Wait
    {
        public ulong Epoch { get; set; }

        public long RenewedMs { get; set; }

        public long LeaseMs { get; set; }

        public Action? Wake { get; set; }
    }
}
