namespace DistFS.Simulation;

/// <summary>How long a seed runs.</summary>
public enum SimulationSize
{
    /// <summary>Some 10 to 20 virtual seconds and a few hundred operations: well below a second of one core.</summary>
    Light,

    /// <summary>Five virtual minutes.</summary>
    Full,
}
