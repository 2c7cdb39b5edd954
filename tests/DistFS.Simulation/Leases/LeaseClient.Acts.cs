using DistFS.Metadata.Leases;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <content>What its user does.</content>
public sealed partial class LeaseClient
{
    private void Act()
    {
        if (!_world.IsQuieting && Misfortune())
        {
            Think(_world.ThinkMicroseconds);
            return;
        }

        var inode = _workload.Places.Leased[_prng.NextInt32(MetadataPlaces.LeasedInodes)];
        _isBusy = true;
        var writes = _prng.Chance(0.4);
        if (_held.TryGetValue(inode, out var held))
        {
            ActUnderLease(held, writes);
        }
        else if (_prng.Chance(0.6))
        {
            Acquire(inode, writes ? LeaseMode.Write : LeaseMode.Read);
        }
        else if (writes)
        {
            var value = Values.NewValue(inode, Session);
            Change(value, Finish);
        }
        else
        {
            Look(inode);
        }
    }

    private bool Misfortune()
    {
        if (_prng.Chance(_workload.Options.Deaths))
        {
            Values.Count("deaths");
            Forget("dies");
            return true;
        }

        if (_prng.Chance(_workload.Options.Absences))
        {
            Values.Count("sleeps");
            _world.Trace.Line($"{this} sleeps");
            _asleepUntil = _world.Queue.Now + (long)DiskFaults.Exponential(_prng, _leaseMs * 1_000.0);
            return true;
        }

        if (_prng.Chance(_workload.Options.Absences))
        {
            // It goes on, and does not answer to recalls.
            Values.Count("deaf");
            _world.Trace.Line($"{this} is deaf");
            _deafUntil = _world.Queue.Now + (long)DiskFaults.Exponential(_prng, _leaseMs * 1_000.0);
        }

        return false;
    }

    private void ActUnderLease(Held held, bool writes)
    {
        if (!IsTrusted || held.IsRecalled)
        {
            // Neither from the cache nor past it.
            Values.Count("not trusted");
        }
        else if (!writes)
        {
            Values.Count("cached reads");
            _workload.Fresh.OnRead(this, held.Inode, held.Value, Values.Seen(held.Inode));
        }
        else if (held.Mode == LeaseMode.Write)
        {
            Values.Count("buffered writes");
            var value = Values.NewValue(held.Inode, Session);
            Values.Buffered(value);
            (held.Dirty, held.Value) = (value, value.Value);
        }
        else
        {
            Acquire(held.Inode, LeaseMode.Write);
            return;
        }

        if (held.Dirty != null && !held.IsFlushing && !held.IsRecalled && _prng.Chance(0.3))
        {
            Flush(held, Finish);
        }
        else if (held.Dirty == null && !held.IsRecalled && _prng.Chance(0.05))
        {
            // It needs it no more.
            GiveUp(held, held.Grant, LeaseMode.None);
            Finish();
        }
        else
        {
            Finish();
        }
    }

    private void Acquire(ulong inode, LeaseMode mode)
    {
        var (epoch, isReclaimed) = (_epoch, _isReclaimed);
        var wait = _prng.Chance(0.2) ? 0 : 1_000;
        Ask(new AcquireLease(Session, inode, mode, wait), 1_500_000, answer =>
        {
            if (answer is { Refusal: LeaseRefusal.None } && isReclaimed && answer.Epoch == epoch && _epoch == epoch)
            {
                Granted(inode, answer);
            }

            // Otherwise it is recalled some time, and then there is nothing to give up.
            Finish();
        });
    }

    private void Granted(ulong inode, LeaseAnswer answer)
    {
        if (_voids.GetValueOrDefault(inode) >= answer.Grant)
        {
            Values.Count("void grants");
            return;
        }

        Values.Count($"granted to {answer.Mode}");
        if (_held.TryGetValue(inode, out var held))
        {
            if (held.Grant >= answer.Grant)
            {
                return;
            }

            (held.Mode, held.Grant) = (answer.Mode, answer.Grant);
            held.Value = held.Dirty?.Value ?? answer.Value;
        }
        else
        {
            _held[inode] = new Held(inode, answer.Mode, answer.Grant, answer.Value);
        }

        _workload.Exclude.OnBelief(this, inode);
    }

    private void Look(ulong inode)
    {
        var seen = Values.Seen(inode);
        Ask(new LeasedLook(Session, inode), 2_000_000, answer =>
        {
            if (answer is { Refusal: LeaseRefusal.None })
            {
                Values.Count("reads");
                _workload.Fresh.OnRead(this, inode, answer.Value, seen);
            }

            Finish();
        });
    }

    /// <summary>Until it is in the log, or the session is over.</summary>
    private void Change(LeasedValue value, Action then)
    {
        var sequence = new SequenceNumber(++_sequence);
        Attempt();

        void Attempt() => Ask(new LeasedChange(Session, sequence, value.Inode, value.Value), 2_000_000, answer =>
        {
            if (answer is { Refusal: LeaseRefusal.None })
            {
                Values.Count("writes");
                Values.Acknowledged(value);
                then();
            }
            else
            {
                Later(20_000, Attempt);
            }
        });
    }

    private void Flush(Held held, Action then)
    {
        var dirty = held.Dirty!;
        held.IsFlushing = true;
        Change(dirty, () =>
        {
            held.IsFlushing = false;
            held.Dirty = held.Dirty == dirty ? null : held.Dirty;
            then();
        });
    }
}
