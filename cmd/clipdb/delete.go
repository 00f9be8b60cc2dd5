package main

// deleteCmd deletes items.
type deleteCmd struct {
	DB  string   `arg:"" name:"db" help:"Database file."`
	IDs []string `arg:"" name:"id" help:"Ids of items."`
}

// Help is shown by --help.
func (*deleteCmd) Help() string {
	return `The items are gone from every answer at once; their bytes leave the file with clipdb compact.
With --json a line is {"id","status":"deleted|missing"}. The exit status is 1 when an id is missing;
the others are deleted all the same.`
}

type deleteLine struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Run deletes the items.
func (c *deleteCmd) Run(a *app) error {
	d, err := a.openStored(c.DB, false)
	if err != nil {
		return err
	}
	defer d.Close()
	there, err := d.Exists(a.ctx, c.IDs...)
	if err != nil {
		return err
	}
	if _, err := d.Delete(a.ctx, c.IDs...); err != nil {
		return err
	}
	var missing []string
	said := map[string]bool{}
	for i, id := range c.IDs {
		if said[id] {
			continue
		}
		said[id] = true
		status := "deleted"
		if !there[i] {
			status = "missing"
			missing = append(missing, id)
		}
		if a.json {
			err = a.emit(deleteLine{id, status})
		} else if there[i] {
			err = a.printf("deleted %s\n", printable(id))
		}
		if err != nil {
			return err
		}
	}
	if err := d.Close(); err != nil {
		return err
	}
	return missingIDs(c.DB, missing)
}
