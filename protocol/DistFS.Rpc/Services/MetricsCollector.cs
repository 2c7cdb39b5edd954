using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using DistFS.Protocol;

namespace DistFS.Rpc.Services;

/// <summary>
/// Values of all meters of DistFS in this process, for who asks over the wire. Nothing is measured before somebody asks
/// for the first time: counts begin then.
/// </summary>
/// <remarks>
/// A histogram becomes a count, a sum and a maximum (since the last look), for rates and means; a counter a sum; a
/// gauge its value.
/// </remarks>
public sealed class MetricsCollector : IDisposable
{
    private const string Prefix = "DistFS.";

    private readonly ConcurrentDictionary<string, Value> _values = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private MeterListener? _listener;
    private bool _isDisposed;

    /// <summary>What there is now, by name; labels stand in the name as {label="value",…}.</summary>
    public IReadOnlyList<MetricValue> Collect()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _listener ??= Listen();

            // What is not there any more shall not be told again.
            foreach (var (name, value) in _values)
            {
                if (value.IsGauge)
                {
                    _values.TryRemove(name, out _);
                }
            }

            _listener.RecordObservableInstruments();
            return [.. _values.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair =>
                pair.Value.Read(pair.Key))];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _listener?.Dispose();
        }
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name.StartsWith(Prefix, StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Take(i, value, tags));
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Take(i, value, tags));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Take(i, value, tags));
        listener.Start();
        return listener;
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = NameOf(instrument.Name, tags);
        if (!_values.TryGetValue(name, out var slot))
        {
            var type = instrument.GetType();
            slot = _values.GetOrAdd(name, new Value(
                isGauge: instrument.IsObservable,
                isHistogram: type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Histogram<>)));
        }

        slot.Add(value);
    }

    private static string NameOf(string name, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return name;
        }

        var labels = new string[tags.Length];
        for (var i = 0; i < tags.Length; i++)
        {
            labels[i] = $"{tags[i].Key}=\"{tags[i].Value}\"";
        }

        return $"{name}{{{string.Join(',', labels)}}}";
    }

    private sealed class Value(bool isGauge, bool isHistogram)
    {
        private readonly Lock _gate = new();
        private double _sum;
        private double _max;
        private long _count;

        public bool IsGauge => isGauge;

        public void Add(double value)
        {
            lock (_gate)
            {
                _count++;
                _sum = isGauge ? value : _sum + value;
                _max = Math.Max(_max, value);
            }
        }

        public MetricValue[] Read(string name)
        {
            lock (_gate)
            {
                if (!isHistogram)
                {
                    return [new MetricValue { Name = name, Value = _sum }];
                }

                var at = name.IndexOf('{', StringComparison.Ordinal);
                var (plain, labels) = at < 0 ? (name, "") : (name[..at], name[at..]);
                MetricValue[] values =
                [
                    new() { Name = $"{plain}.count{labels}", Value = _count },
                    new() { Name = $"{plain}.max{labels}", Value = _max },
                    new() { Name = $"{plain}.sum{labels}", Value = _sum },
                ];
                _max = 0;
                return values;
            }
        }
    }
}
