using DistFS.Metadata.Leases;

namespace DistFS.Simulation;

/// <content>What it owes the leader: that it lives, what it reclaims, what is recalled.</content>
public sealed partial class LeaseClient
{
    private readonly SortedDictionary<ulong, Action<LeaseAnswer?>> _pending = [];
    private ulong _number;
    private ulong _leader;

    /// <summary>An answer arrived; who sleeps does not hear it.</summary>
    public void Receive(LeaseAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (_asleepUntil > _world.Queue.Now || !_pending.Remove(answer.Number, out var done))
        {
            return;
        }

        if (answer.Refusal == LeaseRefusal.NoSession)
        {
            Values.Count("sessions ended");
            _workload.Exclude.OnToldOver(this);
            Forget("learns that its session has ended");
            return;
        }

        _leader = answer.Refusal == LeaseRefusal.NotLeader ? answer.Leader : _leader;
        if (answer.Epoch > _epoch)
        {
            // Another leader, which knows nothing of what the one before granted.
            (_epoch, _seen, _isReclaimed, _isReclaiming) = (answer.Epoch, 0, false, false);
            _voids.Clear();
            done(answer);
            Reclaim();
            return;
        }

        done(answer.Epoch == _epoch ? answer : null);
    }

    private void Ask(LeaseAsk ask, long patience, Action<LeaseAnswer?> done)
    {
        var number = ++_number;
        var target = _leader != 0 ? _leader : _world.AnyMember(_prng);
        _pending[number] = done;
        _world.Network.Send(_endpoint, target, default, new LeaseCall(_endpoint, number, ask));
        Later(patience, () =>
        {
            if (_pending.Remove(number))
            {
                _leader = 0;
                done(null);
            }
        });
    }

    /// <summary>Unless its session is another one then; and who sleeps is late.</summary>
    private void Later(long delay, Action action)
    {
        var life = _life;
        _world.Queue.After(delay, Run);

        void Run()
        {
            if (life != _life)
            {
                return;
            }

            if (_asleepUntil > _world.Queue.Now)
            {
                _world.Queue.At(_asleepUntil, Run);
            }
            else
            {
                action();
            }
        }
    }

    /// <summary>Always one call under way: it is told of recalls, and stays alive.</summary>
    private void Poll()
    {
        var sentAt = Clock;
        Ask(new WaitForRecalls(Session, _epoch, _seen), (long)(_leaseMs * 1_000 / 3) + 200_000, answer =>
        {
            if (answer is not { Refusal: LeaseRefusal.None })
            {
                Later(20_000, Poll);
                return;
            }

            if (answer.IsRenewed)
            {
                Renewed(sentAt);
            }

            foreach (var recall in answer.Recalls)
            {
                Recalled(recall);
            }

            Later(1_000, Poll);
        });
    }

    private void Renewed(double sentAt)
    {
        var wasTrusted = IsTrusted;
        _validUntil = Math.Max(_validUntil, sentAt + (_leaseMs * 1_000.0 * Usable));
        if (IsTrusted && !wasTrusted)
        {
            BelieveAgain();
        }
    }

    private void BelieveAgain()
    {
        foreach (var inode in _held.Keys)
        {
            _workload.Exclude.OnBelief(this, inode);
        }
    }

    private void Reclaim()
    {
        if (_isReclaiming || _isReclaimed)
        {
            return;
        }

        _isReclaiming = true;
        var (epoch, held) = (_epoch, _held.Values.ToArray());
        var asked = new ReclaimLeases(Session, epoch, [.. held.Select(static one => (one.Inode, one.Mode))]);
        Ask(asked, 1_000_000, answer =>
        {
            if (_epoch != epoch)
            {
                return;
            }

            _isReclaiming = false;
            if (answer is not { Refusal: LeaseRefusal.None } || answer.Epoch != epoch)
            {
                Later(20_000, Reclaim);
                return;
            }

            Values.Count("reclaims");
            for (var i = 0; i < held.Length; i++)
            {
                if (answer.Grants[i] != 0)
                {
                    (held[i].Grant, held[i].IsRecalled) = (answer.Grants[i], false);
                }
                else if (!held[i].IsGone)
                {
                    _workload.Exclude.OnNotReclaimed(this, held[i].Inode);
                }
            }

            _isReclaimed = true;
            if (IsTrusted)
            {
                BelieveAgain();
            }
        });
    }

    /// <summary>What it has of that inode it sends, forgets, and answers.</summary>
    private void Recalled(LeaseRecall recall)
    {
        Values.Count("recalls");
        _seen = Math.Max(_seen, recall.Number);
        var (inode, epoch) = (recall.Inode.Value, _epoch);
        _voids[inode] = Math.Max(_voids.GetValueOrDefault(inode), recall.Grant);
        if (_deafUntil > _world.Queue.Now)
        {
            Later(_deafUntil - _world.Queue.Now, () => Answer(inode, epoch, recall));
            return;
        }

        Answer(inode, epoch, recall);
    }

    private void Answer(ulong inode, ulong epoch, LeaseRecall recall)
    {
        if (_epoch != epoch)
        {
            return;
        }

        if (_held.TryGetValue(inode, out var held))
        {
            GiveUp(held, recall.Grant, held.Grant == recall.Grant ? recall.To : LeaseMode.None);
        }
        else
        {
            Release(epoch, inode, recall.Grant, LeaseMode.None);
        }
    }

    private void GiveUp(Held held, ulong grant, LeaseMode keep)
    {
        // What is given up is void, should the leader, who has not heard of it yet, grant it again.
        var epoch = _epoch;
        _voids[held.Inode] = Math.Max(_voids.GetValueOrDefault(held.Inode), grant);
        held.Keep = held.IsRecalled && held.Keep < keep ? held.Keep : keep;
        if (held.IsRecalled)
        {
            return;
        }

        held.IsRecalled = true;
        Send();

        void Send()
        {
            if (held.IsGone || _epoch != epoch || !held.IsRecalled)
            {
                return;
            }

            if (held.IsFlushing)
            {
                Later(20_000, Send);
            }
            else if (held.Dirty != null)
            {
                Flush(held, Send);
            }
            else if (held.Keep == LeaseMode.Read && held.Mode == LeaseMode.Write)
            {
                (held.Mode, held.IsRecalled) = (LeaseMode.Read, false);
                Release(epoch, held.Inode, grant, LeaseMode.Read);
            }
            else
            {
                held.IsGone = true;
                _held.Remove(held.Inode);
                Release(epoch, held.Inode, grant, LeaseMode.None);
            }
        }
    }

    /// <summary>Until it is heard, or nobody wants to hear it any more.</summary>
    private void Release(ulong epoch, ulong inode, ulong grant, LeaseMode keep)
    {
        if (_epoch == epoch)
        {
            Ask(new ReleaseLease(Session, epoch, inode, grant, keep), 500_000, answer =>
            {
                if (answer is not { Refusal: LeaseRefusal.None })
                {
                    Later(20_000, () => Release(epoch, inode, grant, keep));
                }
            });
        }
    }
}
